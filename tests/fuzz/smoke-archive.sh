# SPDX-License-Identifier: LGPL-2.1-or-later
# A short run of the fuzz target of archives, over small ones of each kind.
. "$srcdir/tests/functions.sh"
requires bsdtar --version

mkdir corpus in
{ printf 'QFI\373'; seq 300; } >in/a.qcow2
head -c 2000 /dev/zero >in/b.raw
for format in ustar pax newc zip 7zip iso9660; do
	bsdtar -cf "corpus/$format" --format "$format" -C in a.qcow2 b.raw
done
for filter in gzip xz zstd bzip2 lz4 lzip compress; do
	bsdtar -cf "corpus/$filter" "--$filter" -C in a.qcow2 b.raw
done

target=$builddir/tests/fuzz/archive
if "$target" -help=1 2>/dev/null | grep -q libFuzzer; then
	"$target" -seed=1 -runs=5000 -max_total_time=10 -timeout=20 -rss_limit_mb=2048 \
		-malloc_limit_mb=512 corpus
else
	"$target" -m 10 corpus/*
fi
