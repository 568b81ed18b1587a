# SPDX-License-Identifier: LGPL-2.1-or-later
# A short run of the fuzz target that reads in one pass, over the samples that can be read so.
. "$srcdir/tests/functions.sh"

mkdir corpus
for sample in "$srcdir"/testdata/check/{vmdk.stream,vmdk.grain.marker,vmdk.footer,cloop}.* \
	"$srcdir"/testdata/vmdk/*stream* "$srcdir"/testdata/cloop/{good,bad}-*; do
	case $sample in
	*.xz) xz -dc "$sample" >sample ;;
	*) cp "$sample" sample ;;
	esac
	[ "$(stat -c %s sample)" -gt 262144 ] || mv sample "corpus/$(basename "$sample" .xz)"
done

target=$builddir/tests/fuzz/once
if "$target" -help=1 2>/dev/null | grep -q libFuzzer; then
	"$target" -seed=1 -runs=20000 -max_total_time=10 -timeout=20 -rss_limit_mb=2048 \
		-malloc_limit_mb=512 corpus
else
	"$target" -m 30 corpus/*
fi
