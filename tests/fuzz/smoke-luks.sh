# SPDX-License-Identifier: LGPL-2.1-or-later
# A short run of the fuzz target that reads LUKS headers, over two of each version.
. "$srcdir/tests/functions.sh"
requires cryptsetup --version

mkdir corpus
printf key >key
for type in luks1 luks2; do
	work=(--pbkdf-force-iterations 1000)
	[ $type = luks1 ] || work=(--pbkdf-force-iterations 4 --pbkdf-memory 32)
	truncate -s 20M disk
	cryptsetup -q luksFormat --type $type "${work[@]}" disk key
	head -c 32k disk >corpus/$type
	cryptsetup -q luksAddKey "${work[@]}" --key-file key disk key
	head -c 32k disk >corpus/$type-two
	rm disk
done
head -c 592 corpus/luks1 >corpus/short1
head -c 16k corpus/luks2 >corpus/short2
head -c 32k corpus/luks2 | tail -c 16k | cat <(head -c 16k /dev/zero) - >corpus/second

target=$builddir/tests/fuzz/luks
if "$target" -help=1 2>/dev/null | grep -q libFuzzer; then
	"$target" -seed=1 -runs=20000 -max_total_time=5 -timeout=20 -rss_limit_mb=1024 \
		-malloc_limit_mb=64 corpus
else
	"$target" -m 30 corpus/*
fi
