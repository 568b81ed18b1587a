# SPDX-License-Identifier: LGPL-2.1-or-later
# What is written to the files is in the image, in every format that can be written in place; disk and
# partition show the same at every moment.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/imgmount/folder.sh"
requires qemu-io --version
requires sfdisk --version

truncate -s 8M start.raw
printf 'label: gpt\n,2M\n,1M\n' | sfdisk -q start.raw
seq 1 100000 >text
mkdir other

# change DISK PARTITION AT: the partition begins at AT in the file that is given for it.
change() {
	dd if=text of="$1" bs=4k seek=700 conv=notrunc status=none
	fallocate -p -o 3000000 -l 100000 "$1"
	dd if=text of="$2" bs=4k oflag=seek_bytes seek=$(($3 + 2000)) conv=notrunc,fsync status=none
	fallocate -z -o $(($3 + 200000)) -l 300000 "$2"
	dd if=text of="$1" bs=77777 seek=60 conv=notrunc status=none
	sync "$1"
}

part=$((3 * mib))
cp start.raw model.raw
change model.raw model.raw $part
cp model.raw end.raw
printf x | dd of=end.raw oflag=seek_bytes seek=$part conv=notrunc status=none

for format in $(few 'raw qcow2 vdi vmdk qcow cow' 'qcow2 vmdk'); do
	imgconv -O $format start.raw image.$format
	show --rw -f $format image.$format
	exits 1 imgmount -f $format image.$format other 2>err
	grep -q 'by another process' err || fail "$format: two have it at once: $(cat err)"
	change mnt/disk.raw mnt/partition2.raw 0
	cmp mnt/partition2.raw <(tail -c +$((part + 1)) mnt/disk.raw | head -c $mib) ||
		fail "$format: the two files show different bytes"
	cmp mnt/disk.raw model.raw || fail "$format: the file holds something else"
	# What the kernel has just read of one it reads again when the other was written.
	cat mnt/partition2.raw >/dev/null
	printf x | dd of=mnt/disk.raw oflag=seek_bytes seek=$part conv=notrunc status=none
	same x "$(head -c 1 mnt/partition2.raw)" "$format: the kernel shows what was there before"
	# A disk has an end, which cannot be moved, and what is behind it is not written.
	! truncate -s 4M mnt/disk.raw 2>/dev/null || fail "$format: a shorter disk"
	! cp text mnt/partition2.raw 2>/dev/null || fail "$format: cut by who opened it"
	! dd if=text of=mnt/partition2.raw bs=1M seek=1 conv=notrunc 2>err || fail "$format: behind the end"
	grep -q 'No space left' err || fail "$(cat err)"
	! fallocate -z -o 1023k -l 2k mnt/partition2.raw 2>/dev/null || fail "$format: zeros there"
	hide
	imgcmp -f $format image.$format -F raw end.raw >/dev/null || fail "$format: the image"
	[ $format = raw ] || exits 0 imgcheck -q image.$format
done

# A hole that is punched takes no room in the image any more.
show --rw image.qcow2
fallocate -p -o 0 -l 8M mnt/disk.raw
hide
same 0 "$(imgmap --output=json image.qcow2 | jq 'map(select(has("offset"))) | length')" \
	"room for nothing"
