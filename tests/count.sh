#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# count.sh BUILDDIR: adds up what the test harness left there. A unit test program counts as the
# tests Criterion ran in it, a script counts as one.

cd "$1" || exit 1
find . -name '*.trs' -print0 | while IFS= read -r -d '' trs; do
	log=${trs%.trs}.log
	synthesis=$(grep -aoE 'Tested: [^|]*[0-9]+.*' "$log" | sed 's/\x1b\[[0-9;]*m//g' | tail -n 1)
	if [ -n "$synthesis" ]; then
		echo "$synthesis"
	else
		sed -n 's/^:global-test-result: //p' "$trs"
	fi
done | awk '
function number(after,   s) { s = $0; sub(".*" after ": *", "", s); return s + 0 }
/^Tested:/ { passed += number("Passing"); failed += number("Failing"); next }
/^(PASS|XFAIL)/ { passed++ }
/^(FAIL|XPASS|ERROR)/ { failed++ }
/^SKIP/ { skipped++ }
END {
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed > 0
}'
