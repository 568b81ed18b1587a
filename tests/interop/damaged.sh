# SPDX-License-Identifier: LGPL-2.1-or-later
# Damage inside a qcow2: never silent zeros, and what is whole can be salvaged.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

make_disk disk.raw $((11 * mib))
qemu-img convert -f raw -O qcow2 disk.raw good.qcow2
qemu-img convert -c -f raw -O qcow2 disk.raw packed.qcow2

# be64 AT FILE: the number there.
be64() {
	od -An -tu8 --endian=big -j "$1" -N 8 "$2" | tr -d ' '
}

# put AT BYTES...: overwrites bad.qcow2, bytes as printf has them.
put() {
	printf "$2" | dd of=bad.qcow2 oflag=seek_bytes seek="$1" conv=notrunc status=none
}

# bad NAME: it must be refused, with a message, without a target.
bad() {
	local status=0

	imgconv bad.qcow2 out.raw 2>message.txt || status=$?
	[ $status != 0 ] || fail "$1: accepted"
	[ $status -lt 100 ] || fail "$1: status $status"
	[ -s message.txt ] || fail "$1: no message"
	[ ! -e out.raw ] || fail "$1: a target is left"
}

l1=$(be64 40 good.qcow2)
l2=$(($(be64 "$l1" good.qcow2) & 0x00fffffffffffe00))

cp good.qcow2 bad.qcow2
put "$l2" '\x80\x00\x00\x00\x00\x00\x12\x00'
bad "an L2 entry that is no multiple of the cluster size"
grep -q '0x1200\|guest' message.txt || fail "the place is not named: $(cat message.txt)"
exits 4 imgconv --salvage bad.qcow2 out.raw >/dev/null 2>&1 || true
cmp -i 65536 out.raw disk.raw || fail "not all the rest was salvaged"
rm out.raw

cp good.qcow2 bad.qcow2
put "$l2" '\x80\x00\x7f\x00\x00\x00\x00\x00'
bad "an L2 entry far beyond the end"
cp good.qcow2 bad.qcow2
put "$l1" '\x80\xff\xff\xff\xff\xff\x00\x00'
bad "an L1 entry far beyond the end"
cp good.qcow2 bad.qcow2
put 40 '\xff\xff\xff\xff\xff\xff\x00\x00'
bad "the L1 table beyond the end"
cp good.qcow2 bad.qcow2
put 36 '\xff\xff\xff\xff'
bad "an L1 table of 4 G entries"
cp good.qcow2 bad.qcow2
put 20 '\x00\x00\x00\x40'
bad "clusters of 2^64 bytes"
cp good.qcow2 bad.qcow2
put 72 '\x80\x00\x00\x00\x00\x00\x00\x00'
bad "an unknown incompatible feature"
grep -q 63 message.txt || fail "the feature is not named: $(cat message.txt)"

cp packed.qcow2 bad.qcow2
l1=$(be64 40 packed.qcow2)
l2=$(($(be64 "$l1" packed.qcow2) & 0x00fffffffffffe00))
data=$(($(be64 $((l2 + 32 * 8)) packed.qcow2) & 0x003fffffffffffff))
put $((data + 100)) '\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00'
bad "a damaged compressed cluster"
grep -q 0x200000 message.txt || fail "the guest offset is not named: $(cat message.txt)"

# Without its header the file looks raw, and is not copied as that.
cp good.qcow2 bad.qcow2
dd if=/dev/zero of=bad.qcow2 bs=64k count=1 conv=notrunc status=none
exits 1 imgconv bad.qcow2 out.raw 2>message.txt
grep -qi 'qcow2' message.txt || fail "nothing said of a zeroed header: $(cat message.txt)"
cp good.qcow2 misnamed.qcow2
dd if=/dev/zero of=misnamed.qcow2 bs=512 count=1 conv=notrunc status=none
imginfo misnamed.qcow2 >/dev/null 2>message.txt
grep -qi 'qcow2' message.txt || fail "imginfo does not warn: $(cat message.txt)"
exits 1 imgconv -f qcow2 bad.qcow2 out2.raw 2>message.txt
