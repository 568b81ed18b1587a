# SPDX-License-Identifier: LGPL-2.1-or-later
# A folder of VMDK files: what is only a part of an image says so, and is judged by what it holds.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires jq --version

head -c 3M /dev/urandom >disk.raw
truncate -s 3G disk.raw
for kind in twoGbMaxExtentSparse twoGbMaxExtentFlat monolithicFlat monolithicSparse; do
	qemu-img convert -f raw -O vmdk -o subformat=$kind disk.raw "$kind.vmdk"
done
imgconv -q -O vmdk -o subformat=twoGbMaxExtentSparse disk.raw ours.vmdk

exits 0 imgcheck --output=json ./*.vmdk >out
jq -r '.images[] | select(.part) | .filename' out | sort >parts
printf './%s.vmdk\n' {twoGbMaxExtentSparse,ours}-s00{1,2} twoGbMaxExtentFlat-f00{1,2} \
	monolithicFlat-flat | sort >wanted
same "$(cat wanted)" "$(cat parts)" "parts"
exits 0 imgcheck --data ours-s001.vmdk >out
grep -q 'ours-s001.vmdk: The file is a part' out || fail "$(cat out)"

# What its tables say counts.
entry=$((0x$(od -An -tx4 -j 56 -N 4 ours-s001.vmdk | tr -d ' ') * 512))
printf '\377\377\377\177' | dd of=ours-s001.vmdk bs=1 seek=$entry conv=notrunc status=none
exits 2 imgcheck ours-s001.vmdk >out
grep -q '\[vmdk.directory.outside\]' out || fail "$(cat out)"

# A file of another name that has lost its descriptor is damaged, and so is one of no known name.
dd if=/dev/zero of=monolithicSparse.vmdk bs=512 seek=1 count=20 conv=notrunc status=none
exits 2 imgcheck monolithicSparse.vmdk >out
grep -q '\[vmdk.descriptor.broken\]' out || fail "$(cat out)"
cp monolithicFlat-flat.vmdk some.vmdk
exits 2 imgcheck some.vmdk >out
grep -q '\[image.doubtful\]' out || fail "$(cat out)"
