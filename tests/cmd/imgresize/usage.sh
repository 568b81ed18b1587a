# SPDX-License-Identifier: LGPL-2.1-or-later
# Sizes as they are given, and what is refused before anything is opened or changed.
. "$srcdir/tests/functions.sh"

size() {
	stat -c %s disk.raw
}

# becomes SIZE ARG...: the disk, which has 1 MiB, has then that many bytes.
becomes() {
	local want=$1
	shift

	rm -f disk.raw
	truncate -s 1M disk.raw
	imgresize -q "$@" disk.raw
	same "$want" "$(size)" "$*"
}

# refused STATUS WHY ARG...: nothing happens to the disk.
refused() {
	local status=$1 why=$2
	shift 2

	exits "$status" imgresize "$@" >out 2>err
	grep -q -- "$why" err || fail "$*: $(cat err)"
	same 1048576 "$(size)" "refused, but something changed: $*"
}

dd if=/dev/urandom of=noise bs=64k count=4 status=none
truncate -s 1M disk.raw
for pair in 2M:2097152 +1M:2097152 1.5M:1572864 1048577:1049088 +1:1049088 +0:1048576; do
	truncate -s 1M disk.raw
	imgresize -q disk.raw "${pair%:*}"
	same "${pair#*:}" "$(size)" "$pair"
done
for less in -512k -524288; do
	truncate -s 1M disk.raw
	imgresize -q --shrink disk.raw $less
	same 524288 "$(size)" "$less at the end"
	truncate -s 1M disk.raw
	imgresize $less -q disk.raw --shrink
	same 524288 "$(size)" "$less in front"
done
truncate -s 1M disk.raw
imgresize -q --preallocation=full -t none disk.raw 2M
same 2097152 "$(size)" "preallocated"
[ "$(stat -c '%b * %B' disk.raw | bc)" -ge 1048576 ] || fail "no space was set aside"
truncate -s 0 disk.raw
truncate -s 1M disk.raw

refused 1 '--shrink' disk.raw 512k
refused 1 '--shrink' disk.raw -1k
refused 1 'no more than 1048576' --shrink disk.raw -1M
refused 1 'no bytes' --shrink disk.raw 0
refused 1 'is not a size' disk.raw 5x
refused 1 'is not a size' disk.raw +-5
refused 1 '' disk.raw +8E
refused 1 'too few names' disk.raw
refused 1 'too many names' --shrink=to-last-partition disk.raw 5M
refused 1 'is none of to-last-partition' --shrink=x disk.raw
refused 1 'is none of off|metadata|falloc|full' --preallocation=x disk.raw 2M
refused 63 'no metadata' --preallocation=metadata disk.raw 2M
refused 1 'needs no space' --preallocation=full --shrink disk.raw 512k
for n in 1 max 0=max -1=max 1=2M x=max; do
	refused 1 'is not a number and =max' --partition=$n disk.raw 2M
done
refused 1 'device keeps its size' /dev/null 5M
mkfifo pipe
refused 1 'pipe: is no file' pipe 5M
# What no file can be leaves no journal, which would be in the way of the next change; some file systems
# have files of that size.
if ! truncate -s 7E longest 2>/dev/null; then
	refused 1 'cannot change the size to 8[0-9]* bytes' disk.raw 7E
	same 1 "$(ls -d disk.raw* | wc -l)" "files beside the disk"
	imgresize -q disk.raw +0
fi
refused 1 'nowhere.raw: cannot open' nowhere.raw 5M
refused 1 'no partition table' --partition=1=max disk.raw 2M
refused 1 'no partition table and no file system' --shrink=to-last-partition disk.raw

# What keeps its size is copied instead; the names are quoted for a shell.
# advised SIZE ARG...: the command line that the message names makes a disk of that many bytes.
advised() {
	local want=$1 commands
	shift

	exits 63 imgresize "$@" 2>err
	commands=$(sed -n 's/^  //p' err)
	bash -c "$commands" >out || fail "the advice does not work: $(cat err)"
	grep -q "^new size: .*($want bytes)" out || fail "$commands: $(cat out)"
}

imgconv -q -O cloop disk.raw "a 'b.cloop"
advised 524288 --shrink "a 'b.cloop" -512k
[ -e "a 'b-resizable.qcow2" ] || fail "no copy of that name: $(cat err)"
imgconv -q -o subformat=streamOptimized disk.raw ./-stream.vmdk
advised 2097152 -- -stream.vmdk 2M
[ -e -stream-resizable.vmdk ] || fail "no copy of that name: $(cat err)"

# What looks like raw, but seems to be a damaged image, is not cut on a guess.
imgconv -q noise damaged.qcow2
dd if=/dev/zero of=damaged.qcow2 bs=512 count=1 conv=notrunc status=none
exits 1 imgresize damaged.qcow2 +1M 2>err
grep -q '^imgresize: damaged.qcow2: is not overwritten' err || fail "in doubt: $(cat err)"
imgresize -q -f raw damaged.qcow2 +1M

# Nor is an image of a format that is not known here: a footer in the middle is none.
cp disk.raw foreign.raw
printf conectix | dd of=foreign.raw bs=1 seek=$((1048576 - 512)) conv=notrunc status=none
cp foreign.raw before.raw
exits 63 imgresize foreign.raw +1M 2>err
grep -q '^imgresize: foreign.raw: looks like a VHD image' err || fail "a VHD: $(cat err)"
cmp foreign.raw before.raw || fail "a VHD was changed"
imgresize -q -f raw foreign.raw +1M

# An image that has the size of what it stands on keeps it unless it is told.
truncate -s 1M base
imgcreate -q -f cow -b base -F raw root.cow 2>/dev/null || fail "no image was made"
exits 1 imgresize root.cow 2M 2>err
grep -q 'does not fit.*; --allow-mismatch' err || fail "over a file of another size: $(cat err)"
imgresize -q --allow-mismatch root.cow 2M
