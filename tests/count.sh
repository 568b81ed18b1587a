#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# count.sh BUILDDIR: adds up what the test harness left there, after a table of what cost most and
# the ends of the logs of what failed. A unit test program counts as the tests Criterion ran in it, a
# script counts as one.

cd "$1" || exit 1

# What run.sh wrote at the end of each log: "took 9.9 s: user 1.2, system 0.3".
find . -name '*.log' -path '*/tests/*' -exec grep -aH '^took ' {} + |
	awk -F '[: ,]+' '{ printf "%8.1f %8.1f  %s\n", $6 + $8, $3, $1 }' | LC_ALL=C sort -nr | awk '
BEGIN { print "   CPU s  clock s  of the tests that cost most" }
NR <= 20
{
	build = match($3, "^[.]/(asan|tsan)/") ? substr($3, 3, 4) : "normal"
	cpu[build] += $1
	tests[build]++
}
END { for (b in cpu) printf "%8.1f           %d tests, build %s\n", cpu[b], tests[b], b }'

find . -name '*.trs' -exec grep -lE '^:global-test-result: (FAIL|XPASS|ERROR)' {} + |
	while IFS= read -r trs; do
		echo "failed: ${trs%.trs}"
		tail -n 40 "${trs%.trs}.log"
	done

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
