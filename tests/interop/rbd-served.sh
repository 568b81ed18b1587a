# SPDX-License-Identifier: LGPL-2.1-or-later
# An image on a Ceph cluster is served by nbdkit and shown by imgmount from the background, too, and commands
# that want a file say so.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
. "$srcdir/tests/ceph.sh"

start_ceph
make_disk disk.raw $((8 * mib))
imgconv -q -O raw disk.raw rbd:rbd/disk

# ---- What needs a file

imgsnap overlay -q -O qcow2 rbd:rbd/disk over.qcow2
same rbd:rbd/disk "$(qemu-img info --output=json over.qcow2 | jq -r '."backing-filename"')" "an overlay"
imgcmp -q --parent rbd:rbd/disk over.qcow2 disk.raw
imgconv -q -O qcow2 disk.raw rbd:rbd/packed
exits 1 imgcompress -q rbd:rbd/packed 2>err
grep -q 'rbd:rbd/packed: is not replaced: it is no regular file' err || fail "$(cat err)"
exits 1 imgcheck -q --repair rbd:rbd/packed 2>err
grep -q 'say with --undo-file' err || fail "$(cat err)"

# ---- nbdkit

plugin=$builddir/cmd/nbdkit-img/.libs/nbdkit-img-plugin.so
if [ -e "$plugin" ] && nbdkit --version >/dev/null && nbdcopy --version >/dev/null; then
	nbdkit -P "$PWD/pid" -U "$PWD/socket" "$plugin" rbd:rbd/disk
	cleanup_fn kill -KILL "$(cat pid)"
	timeout 60 nbdcopy "nbd+unix:///?socket=$PWD/socket" served.raw
	cmp served.raw disk.raw
	kill "$(cat pid)"
fi

# ---- imgmount

if [ -x "$builddir/cmd/imgmount/imgmount" ] && [ -w /dev/fuse ] && fusermount3 --version >/dev/null; then
	mkdir mnt
	cleanup_fn fusermount3 -q -u -z mnt
	timeout 60 imgmount --rw rbd:rbd/disk mnt
	timeout 60 cmp mnt/disk.raw disk.raw
	printf changed | timeout 60 dd of=mnt/disk.raw bs=4096 seek=3 conv=notrunc,fsync status=none
	exits 1 imgmount rbd:rbd/disk mnt 2>err
	grep -q 'is in use' err || fail "$(cat err)"
	fusermount3 -u mnt
	printf changed | dd of=disk.raw bs=4096 seek=3 conv=notrunc status=none
	becomes imgcmp -q rbd:rbd/disk disk.raw 2>err || fail "$(cat err)"
fi
