# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel makes a block device of what is shown: a file system is made, filled and mounted, in every
# format that can be written in place.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/imgmount/folder.sh"
requires mkfs.ext4 -V
requires losetup --version
[ "$(id -u)" = 0 ] || skip "this needs: root"

truncate -s 16M start.raw
mkdir fs
cleanup_fn umount -q fs

for format in $(few 'raw qcow2 vdi vmdk qcow cow' 'qcow2 vmdk'); do
	imgconv -O $format start.raw image.$format
	show --rw -f $format image.$format
	mkfs.ext4 -q mnt/disk.raw 2>err || fail "$format: $(cat err)"
	mount -o loop,discard mnt/disk.raw fs 2>err || skip "this needs: loop devices"
	cp -r "$srcdir/cmd" fs
	rm -r fs/cmd/img*
	fstrim fs 2>/dev/null || true
	umount fs
	e2fsck -fn mnt/disk.raw >fsck.txt 2>&1 || fail "$format: $(cat fsck.txt)"
	hide
	[ $format = raw ] || exits 0 imgcheck -q image.$format
	imgconv -f $format image.$format -O raw out.raw
	mount -o loop,ro out.raw fs
	diff -r "$srcdir/cmd/common" fs/cmd/common >/dev/null || fail "$format: files have changed"
	umount fs
done
