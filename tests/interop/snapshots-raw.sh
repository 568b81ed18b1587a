# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots of a raw disk share its blocks where the file system can do that, and are an overlay where
# it cannot; what a disk was comes back.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

# listed WANT: names of the snapshots, oldest first.
listed() {
	same "$1" "$(imgsnap list --output=json fs/disk.raw | jq -r '.snapshots[].name' | xargs)" "list"
}

# used: KiB of the file system.
used() {
	df -k --output=used fs | tail -n 1
}

mkdir fs
export PATH=$PATH:/usr/sbin:/sbin
for kind in xfs btrfs; do
	mounted $kind || continue
	cleanup_fn sh -c 'umount fs 2>/dev/null || true'
	make_disk fs/disk.raw $((40 * mib + 512))
	qemu-io -f raw -c 'write -P 7 0 24M' fs/disk.raw >/dev/null
	chmod 600 fs/disk.raw
	sync -f fs
	first=$(hash_of cat fs/disk.raw)
	before=$(used)
	exits 0 imgsnap create fs/disk.raw one
	sync -f fs
	[ $(($(used) - before)) -lt 8192 ] || fail "$kind: the snapshot takes $(($(used) - before)) KiB"
	same "600" "$(stat -c %a fs/disk.raw.snap-one)" "the mode of a snapshot"
	qemu-io -f raw -c 'write -P 9 1M 3M' fs/disk.raw >/dev/null
	second=$(hash_of cat fs/disk.raw)
	same "$first" "$(hash_of cat fs/disk.raw.snap-one)" "the snapshot after writing"
	exits 0 imgsnap extract fs/disk.raw one one.qcow2
	same "$first" "$(hash_content one.qcow2)" "the snapshot, extracted"
	imgconv -l one fs/disk.raw - -O raw | cmp - fs/disk.raw.snap-one || fail "imgconv -l"
	same "0x100000 0x300000" "$(imgsnap diff fs/disk.raw one . | awk '/^0x/ { print $1, $2 }')" "diff"
	exits 1 imgsnap extract fs/disk.raw two two.qcow2 2>/dev/null
	exits 1 imgsnap create fs/disk.raw one 2>/dev/null
	exits 1 imgsnap create fs/disk.raw ../x 2>/dev/null
	exits 1 imgsnap delete fs/disk.raw two 2>/dev/null
	listed one

	exits 0 imgsnap apply fs/disk.raw one >out
	grep -q before-one out || fail "what was kept is not told: $(cat out)"
	same "$first" "$(hash_of cat fs/disk.raw)" "the disk after apply"
	same "600" "$(stat -c %a fs/disk.raw)" "its mode"
	same "$second" "$(hash_of cat fs/disk.raw.snap-before-one)" "what was kept"
	listed "one before-one"
	exits 0 imgsnap rename fs/disk.raw before-one later
	exits 0 imgsnap apply --discard-current fs/disk.raw later
	same "$second" "$(hash_of cat fs/disk.raw)" "the disk after the second apply"
	listed "one later"
	exits 0 imgsnap delete fs/disk.raw later
	exits 0 imgsnap delete fs/disk.raw one
	listed ""
	[ "$(ls -A fs | xargs)" = disk.raw ] || [ "$(ls -A fs | grep -v lost | xargs)" = disk.raw ] ||
		fail "left behind: $(ls -A fs)"
	umount fs
done

# Where blocks cannot be shared, and for formats without snapshots: an overlay, and saying so.
[ "$(stat -f -c %T .)" != xfs ] && [ "$(stat -f -c %T .)" != btrfs ] || exit 0
make_disk disk.raw $((11 * mib))
first=$(hash_of cat disk.raw)
exits 0 imgsnap create disk.raw one 2>err
grep -q 'disk.raw.one.qcow2 is an overlay instead' err || fail "not said: $(cat err)"
qemu-io -c 'write -P 9 1M 3M' disk.raw.one.qcow2 >/dev/null
same "$first" "$(hash_of cat disk.raw)" "the disk below the overlay"
exits 1 imgsnap create disk.raw one 2>err
grep -q 'exists already' err || fail "$(cat err)"
exits 0 imgsnap commit -q disk.raw.one.qcow2
rm disk.raw.one.qcow2
[ "$first" != "$(hash_of cat disk.raw)" ] || fail "commit brought nothing back"
imgconv disk.raw disk.vdi
exits 0 imgsnap create disk.vdi one 2>err
exits 0 imgcmp disk.vdi.one.vdi disk.raw
