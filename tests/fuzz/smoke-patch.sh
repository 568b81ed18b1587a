# SPDX-License-Identifier: LGPL-2.1-or-later
# A short run of the fuzz target that reads patches, over small ones.
. "$srcdir/tests/functions.sh"

mkdir corpus
printf 'imgdiff\032' >corpus/magic
truncate -s 64k old.raw
cp old.raw new.raw
printf x | dd of=new.raw bs=1 seek=9000 conv=notrunc status=none
imgsnap diff -f raw new.raw . . --from=old.raw --from-format=raw --data=corpus/data
imgsnap diff -f raw old.raw . . --from=new.raw --from-format=raw --data=corpus/zeros
imgsnap diff -f raw old.raw . . --from=old.raw --from-format=raw --data=corpus/nothing
imgsnap diff -f raw new.raw . . --from=old.raw --from-format=raw --data=corpus/rbd --data-format=rbd
printf 'rbd diff v2\nf\5\0\0\0\0\0\0\0\1\0\0\0ax\1\0\0\0\0\0\0\0xe' >corpus/rbd2
head -c 200 corpus/data >corpus/short

target=$builddir/tests/fuzz/patch
if "$target" -help=1 2>/dev/null | grep -q libFuzzer; then
	"$target" -seed=1 -runs=20000 -max_total_time=5 -timeout=20 -rss_limit_mb=1024 \
		-malloc_limit_mb=64 corpus
else
	"$target" -m 30 corpus/*
fi
