#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A short run of the fuzz target over all samples.  How to run it for long: tests/fuzz/README.
. "$srcdir/tests/functions.sh"

mkdir corpus
for sample in "$srcdir"/testdata/*/{good,bad,unsupported}-*; do
	[ -f "$sample" ] || continue
	name=$(basename "$(dirname "$sample")")-$(basename "$sample" .xz)
	case $sample in
	*.xz) xz -dc "$sample" >"corpus/$name" ;;
	*) cp "$sample" "corpus/$name" ;;
	esac
	# Large samples make slow inputs and no better ones.
	[ "$(stat -c %s "corpus/$name")" -le 1048576 ] || rm "corpus/$name"
done

target=$builddir/tests/fuzz/image
if "$target" -help=1 2>/dev/null | grep -q libFuzzer; then
	"$target" -seed=1 -runs=20000 -max_total_time=15 -timeout=20 -rss_limit_mb=2048 \
		-malloc_limit_mb=512 corpus
else
	"$target" -m "$(few 5 8)" corpus/*
fi
