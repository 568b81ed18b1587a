# SPDX-License-Identifier: LGPL-2.1-or-later
# An image on a Ceph cluster is served by nbdkit and shown by imgmount from the background, too, stands below
# others, and holds whatever a file can; commands that want a file say so.
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

exits 63 imgconv -q -O vmdk -o subformat=twoGbMaxExtentSparse disk.raw rbd:rbd/split 2>err
grep -q '"split-s001.vmdk" would be a part' err || fail "$(cat err)"
! rbd ls | grep -q split || fail "a part of an image is left"

# ---- Snapshots of a qcow2 image come along

imgsnap create rbd:rbd/packed one
imgconv -q --with-snapshots rbd:rbd/packed copy.qcow2
imgconv -q --with-snapshots -O qcow2 copy.qcow2 rbd:rbd/kept
same one "$(qemu-img info -f qcow2 --output=json rbd:rbd/kept | jq -r '.snapshots[].name')" "snapshots"
qemu-img check -q -f qcow2 rbd:rbd/kept
qemu-img compare -q -F qcow2 disk.raw rbd:rbd/kept

# ---- Overlays, beside the image and elsewhere

cp disk.raw changed.raw
head -c 64k /dev/urandom | dd of=changed.raw bs=64k seek=5 conv=notrunc status=none
mkdir folder
for over in folder/over.qcow2 rbd:rbd/over; do
	imgconv -q -O qcow2 -B rbd:rbd/disk -F raw changed.raw $over
	qemu-img compare -q -f qcow2 $over changed.raw || fail "$over is not the disk"
	same 65536 "$(imgmap --parent rbd:rbd/disk --output=json $over |
		jq '[.[] | select(.depth == 0 and .data) | .length] | add')" "what $over holds"
	exits 1 imgconv -q -O raw $over flat.raw 2>err
	grep -q '"rbd:rbd/disk", which is not a local file' err || fail "$(cat err)"
	imgcmp -q --parent rbd:rbd/disk $over changed.raw
	imgcmp -q --trusted $over changed.raw
done

# A relative name is that of an image in the same pool, whatever settings there are behind the other one.
near=rbd:rbd/space/near:conf=$CEPH_CONF
rbd namespace create rbd/space
rbd cp --no-progress disk rbd/space/disk
imgcreate -q -b disk -F raw -f qcow2 "$near"
same "rbd:rbd/space/disk:conf=$CEPH_CONF" \
	"$(imginfo --trusted --output=json "$near" | jq -r '."full-backing-filename"')" "what it stands on"
imgcmp -q --trusted "$near" disk.raw
imgcreate -q -f qcow2 rbd:rbd/loop 1M
qemu-img rebase -u -b rbd:rbd/loop -F qcow2 rbd:rbd/loop
exits 1 imgconv -q --trusted -O raw rbd:rbd/loop flat.raw 2>err
grep -q 'the backing chain is a loop' err || fail "$(cat err)"

# ---- Archives and what is compressed

imgova create -q rbd:rbd/box disk.raw
imgova verify rbd:rbd/box >out || fail "$(cat out)"
same 1 "$(imgova list --output=json rbd:rbd/box | jq '.disks | length')" "disks of an appliance"
imgova extract -q -d 1 -O raw rbd:rbd/box rbd:rbd/unpacked
rbd export --no-progress unpacked - | cmp - disk.raw
exits 1 imgova extract -q rbd:rbd/box rbd:rbd/all 2>err
grep -q 'rbd:rbd/all: is no folder: --disk says' err || fail "$(cat err)"
imgconv -q --filter=zstd -O raw -o object_size=1M disk.raw rbd:rbd/zst
imgcmp -q rbd:rbd/zst disk.raw
rbd export --no-progress zst - | zstd -dc | cmp - disk.raw
same 1048576 "$(rbd info --format json zst | jq .object_size)" "bytes of an object"

# ---- nbdkit

plugin=$builddir/cmd/nbdkit-img/.libs/nbdkit-img-plugin.so
if [ -e "$plugin" ] && nbdkit --version >/dev/null && nbdcopy --version >/dev/null; then
	nbdkit -P "$PWD/pid" -U "$PWD/socket" "$plugin" rbd:rbd/disk
	cleanup_fn kill -KILL "$(cat pid)"
	timeout 60 nbdcopy "nbd+unix:///?socket=$PWD/socket" served.raw
	cmp served.raw disk.raw
	kill "$(cat pid)"

	# Of what is removed meanwhile no zeros are served, neither of its bytes nor of its tables.
	for gone in disk packed; do
		rbd cp --no-progress $gone gone
		rm pid socket
		nbdkit -r -P "$PWD/pid" -U "$PWD/socket" "$plugin" rbd:rbd/gone
		cleanup_fn kill -KILL "$(cat pid)"
		timeout 60 nbdinfo --size "nbd+unix:///?socket=$PWD/socket" >/dev/null
		rbd rm --no-progress gone
		exits 1 timeout 60 nbdcopy "nbd+unix:///?socket=$PWD/socket" served.raw 2>err
		kill "$(cat pid)"
	done
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
