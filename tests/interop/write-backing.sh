# SPDX-License-Identifier: LGPL-2.1-or-later
# -B stores only what differs from the backing file; what has become zero hides it.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

make_disk base.raw $((11 * mib))
qemu-img convert -f raw -O qcow2 base.raw base.qcow2
cp base.raw disk.raw
place disk.raw 65536 text 100000
place disk.raw $((2 * mib + 70000)) /dev/zero 700000
place disk.raw $((10 * mib)) noise 10

# writes BACKING FORMAT [OPTION...]
writes() {
	rm -f image.qcow2
	imgconv -B "$1" -F "$2" "${@:3}" disk.raw image.qcow2
	judged image.qcow2 disk.raw "-B $*"
	same "$(hash_of cat disk.raw)" "$(hash_content image.qcow2)" "-B $*"
	same "$1" "$(qemu-img info --output=json image.qcow2 | jq -r '."backing-filename"')" "-B"
	[ "$(stat -c %s image.qcow2)" -lt $((2 * mib)) ] || fail "-B $*: stores more than differs"
}

writes base.qcow2 qcow2
writes base.raw raw
writes base.qcow2 qcow2 -c
writes base.qcow2 qcow2 -o cluster_size=512
writes base.qcow2 qcow2 -o extended_l2=on
writes base.qcow2 qcow2 -o compat=0.10

imgconv -o backing_file=base.qcow2,backing_fmt=qcow2 disk.raw options.qcow2
judged options.qcow2 disk.raw "-o backing_file"

# The disk is longer, then shorter, than what it stands on.
truncate -s 13M disk.raw
place disk.raw $((12 * mib)) text 70000
writes base.qcow2 qcow2
truncate -s $((5 * mib + 512)) disk.raw
writes base.qcow2 qcow2

imgconv base.qcow2 same.qcow2 -B base.qcow2 -F qcow2
judged same.qcow2 base.raw "nothing differs"
[ "$(stat -c %s same.qcow2)" -le $((320 * 1024)) ] || fail "an equal disk takes space"
