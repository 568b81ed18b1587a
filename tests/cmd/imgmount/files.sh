# SPDX-License-Identifier: LGPL-2.1-or-later
# Which files the folder has, what is in them, and that nobody can change them without --rw.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/imgmount/folder.sh"
requires qemu-img --version
requires sfdisk --version

seq 1 500000 >text
truncate -s 12345856 disk.raw
printf '%s\n' 'label: dos' 'd1: start=2048,size=4096' 'd2: start=6144,size=14000,type=5' \
	'd5: start=8192,size=2048' | sfdisk -q disk.raw
dd if=text of=disk.raw bs=1M seek=1 count=2 conv=notrunc status=none
dd if=text of=disk.raw bs=1M seek=4 skip=1 conv=notrunc status=none
imgconv disk.raw image.qcow2
qemu-img snapshot -c 'first/one' image.qcow2
qemu-img snapshot -c 'first_one' image.qcow2
hash=$(sha256sum image.qcow2)

# All of them, with the exact lengths; the container of logical partitions is none.
show image.qcow2
same "12345856 disk.raw
2097152 partition1.raw
1048576 partition5.raw
12345856 snapshot-first_one-2.raw
12345856 snapshot-first_one.raw" "$(cd mnt && stat -c '%s %n' -- *)" "the files"
cmp mnt/disk.raw disk.raw
cmp mnt/partition1.raw <(tail -c +$((mib + 1)) disk.raw | head -c $((2 * mib)))
cmp mnt/partition5.raw <(tail -c +$((4 * mib + 1)) disk.raw | head -c $mib)
cmp mnt/snapshot-first_one.raw disk.raw

# A copy finds the holes, and several readers do not disturb each other.
cmp mnt/disk.raw disk.raw &
other=$!
cp --sparse=auto mnt/disk.raw copy.raw
wait $other
cmp copy.raw disk.raw
[ "$(stat -c %b copy.raw)" -lt $((6 * mib / 512)) ] || fail "the copy is not sparse"
imgmap --output=json -f raw mnt/disk.raw >map.json
jq -e '.[-1].zero and .[-1].length > 4000000' map.json >/dev/null || fail "$(cat map.json)"

for what in 'dd of=mnt/disk.raw' 'truncate -s 0 mnt/disk.raw' 'touch mnt/new' \
	'mv mnt/disk.raw mnt/other' 'rm -f mnt/disk.raw' 'chmod 777 mnt/disk.raw'; do
	! $what </dev/null 2>/dev/null || fail "possible without --rw: $what"
done
! qemu-io -c 'write 0 64k' image.qcow2 >out 2>&1 || ! grep -q wrote out ||
	fail "QEMU writes to what is shown"
imginfo image.qcow2 >/dev/null
hide
same "$hash" "$(sha256sum image.qcow2)" "the image was changed"

# What the disk was once, although it is being written.
show --rw image.qcow2
dd if=/dev/zero of=mnt/disk.raw bs=64k count=40 conv=notrunc,fsync status=none
cmp mnt/snapshot-first_one.raw disk.raw || fail "a snapshot changes with the disk"
! dd if=/dev/zero of=mnt/snapshot-first_one.raw conv=notrunc 2>/dev/null ||
	fail "a snapshot can be written"
hide
qemu-img check -q image.qcow2
qemu-img convert -l first_one -O raw image.qcow2 out.raw
cmp out.raw disk.raw

# What stands on others, and formats that are read only.
imgcreate -b disk.raw -F raw top.qcow2
imgconv -O cloop disk.raw disk.cloop
for image in top.qcow2 disk.cloop; do
	show $image
	cmp mnt/disk.raw disk.raw
	hide
done

# What is lost is an error where it is read, and nowhere else.
qemu-img convert -O qcow2 disk.raw half.qcow2
truncate -s 1M half.qcow2
show half.qcow2
cmp -n $mib mnt/disk.raw disk.raw
! cat mnt/disk.raw >/dev/null 2>&1 || fail "what is lost was read"
cmp -i 8M mnt/disk.raw disk.raw
hide

# A table that speaks of a longer disk.
head -c $((4 * mib + 5120)) disk.raw >cut.raw
show cut.raw
same 5120 "$(stat -c %s mnt/partition5.raw)" "a partition that is cut off"
cmp mnt/partition5.raw <(tail -c 5120 cut.raw)
hide

# Names on the command line still mean the same once the process has left the folder.
mkdir moved
qemu-img snapshot -c now top.qcow2
mv top.qcow2 moved
imgmount --parent=disk.raw moved/top.qcow2 mnt
cmp mnt/disk.raw disk.raw
cmp mnt/snapshot-now.raw disk.raw
fusermount3 -u mnt

# It is in the background once the folder is there; what is wrong is said before.
exits 63 imgmount --rw disk.cloop mnt 2>/dev/null
imgmount disk.cloop mnt
cmp mnt/partition5.raw <(tail -c +$((4 * mib + 1)) disk.raw | head -c $mib)
fusermount3 -u mnt
exits 63 imgmount <(cat disk.raw) mnt 2>err
grep -q 'a pipe cannot be shown' err || fail "$(cat err)"
exits 1 imgmount none.qcow2 mnt 2>err
grep -q '^imgmount: .*/none.qcow2: .*No such file' err || fail "$(cat err)"
exits 1 imgmount disk.cloop nowhere 2>err
grep -q '^imgmount: nowhere: cannot be mounted on' err || fail "$(cat err)"
touch file
exits 1 imgmount disk.cloop file 2>err
grep -q '^imgmount: file: cannot be mounted on: Not a directory' err || fail "$(cat err)"
! mountpoint -q file || fail "a file was mounted on"
exits 1 imgmount --untrusted moved/top.qcow2 mnt 2>/dev/null

# Also without standard streams: what tells that the folder is there has none of their numbers.
for closed in '>&- 2>&-' '<&- >&- 2>&-'; do
	timeout 60 bash -c "exec imgmount disk.cloop mnt $closed" || fail "imgmount $closed"
	cmp mnt/disk.raw disk.raw
	fusermount3 -u mnt
done

# An encrypted image shows its disk to who has the key.
printf secret >key
imgconv -f raw -O luks -o iter-time=10 --new-key-file=key disk.raw disk.luks
exits 5 imgmount disk.luks mnt </dev/null 2>/dev/null
imgmount --key-file=key disk.luks mnt
cmp mnt/disk.raw disk.raw
fusermount3 -u mnt
