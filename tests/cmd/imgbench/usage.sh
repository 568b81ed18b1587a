# SPDX-License-Identifier: LGPL-2.1-or-later
# What makes no sense is refused with a sentence, before anything is opened or made.
. "$srcdir/tests/functions.sh"

# refused TEXT ARG...
refused() {
	local text=$1
	shift

	exits 1 imgbench "$@" >out 2>err
	[ ! -s out ] || fail "it prints: $*"
	grep -qF -- "$text" err || fail "$*: $(cat err)"
	grep -q "^Try 'imgbench --help'" err || fail "$*: it does not say where help is"
}
refused "the load is not given" disk.raw
refused "the load is given twice" --trace=a --pattern=read disk.raw
refused "too few names" --pattern=read
refused "too many names" --pattern=read disk.raw disk.raw
refused '"walk" is none of read|write|trim|' --pattern=walk disk.raw
refused "belong to --pattern" --trace=a --block-size=4k disk.raw
refused "multiples of 512" --pattern=read --block-size=100 disk.raw
for option in block-size length bytes cache-size; do
	refused "\"0\" is not a size from 1 on" --pattern=read --$option=0 disk.raw
done
refused '"0k" is not a size from 1 on' --pattern=read --formats=raw --dir=. --size=0k
for share in 101 -1 half 49.5; do
	refused "\"$share\" is not a number from 0 to 100" --pattern=rw --read-share=$share disk.raw
done
refused '"1.5" is not a number from 0 to 18446744073709551615' --pattern=read --seed=1.5 disk.raw
for option in depth requests seconds flush-every repeat; do
	refused '"-1" is not a number from 1 to 4294967295' --pattern=read --$option=-1 disk.raw
done
refused "more than 1024 requests at a time" --pattern=read --depth=1025 disk.raw
refused "belong to --formats" --pattern=read --dir=. disk.raw
refused "none must be named" --pattern=read --formats=raw --dir=. --size=1M disk.raw
refused "--dir" --pattern=read --formats=raw --size=1M
refused "--size" --pattern=read --formats=raw --dir=.
refused 'there is no image format "row"' --pattern=read --formats=raw,row --dir=. --size=1M
refused '"slow" is none of' --pattern=read --formats=raw --caches=none,slow --dir=. --size=1M
refused 'has an option "cluster=1"' --pattern=read --formats=raw --dir=. --size=1M \
	-o preallocation=off,cluster=1
refused "--fill belongs to --pattern" --trace=a --formats=raw --dir=. --fill
refused "belong to --formats" --pattern=read --fill disk.raw
refused "not for --formats" --pattern=read --formats=raw --dir=. --size=1M --verify-only
same $'err\nout' "$(ls)" "something was made"
