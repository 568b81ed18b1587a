# SPDX-License-Identifier: LGPL-2.1-or-later
# On a file system that shares blocks, data is cloned instead of copied, and stays right.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

# clones SOURCE TARGET [OPTION...]
clones() {
	local cloned

	rm -f "$2"
	cloned=$(imgconv --output=json "$@" | jq .cloned)
	[ "$cloned" -gt $((2 * mib)) ] || fail "$* on $kind: only $cloned bytes are cloned"
	same "$want" "$(hash_content "$2")" "$* on $kind"
	case $2 in
	*.qcow2) judged "$2" fs/disk.raw "$*" ;;
	esac
}

mkdir fs
found=0
export PATH=$PATH:/usr/sbin:/sbin
for kind in xfs btrfs; do
	mounted $kind || continue
	found=1
	cleanup_fn sh -c 'umount fs 2>/dev/null || true'
	make_disk fs/disk.raw $((11 * mib + 12288))
	want=$(hash_of cat fs/disk.raw)
	clones fs/disk.raw fs/plain.qcow2
	clones fs/disk.raw fs/large.qcow2 -o cluster_size=2M
	clones fs/disk.raw fs/copy.raw
	clones fs/plain.qcow2 fs/back.raw
	clones fs/plain.qcow2 fs/again.qcow2
	same "$(hash_of cat fs/plain.qcow2)" "$(imgconv -m 7 fs/disk.raw fs/seven.qcow2 &&
		hash_of cat fs/seven.qcow2)" "cloned with 7 threads"
	# Writing to a copy leaves the source alone.
	qemu-io -c 'write -P 1 0 11M' fs/plain.qcow2 >/dev/null
	same "$want" "$(hash_of cat fs/disk.raw)" "the source after its copy was written to"
	umount fs
done
[ $found = 1 ] || skip "neither XFS nor btrfs can be mounted here"
