# SPDX-License-Identifier: LGPL-2.1-or-later
# qcow images of version 1 go on being written by qemu-io and by us in turn, in every cache mode.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/disk.sh"

size=$((3 * mib))

# agreed_qcow WHAT: nothing worse than lost space, and both of us read what is in model.raw.
agreed_qcow() {
	local status=0

	imgcheck --data -q image.qcow || status=$?
	[ $status = 0 ] || [ $status = 3 ] || fail "$1: imgcheck exits with $status"
	qemu-img compare -f qcow -F raw image.qcow model.raw >compare.txt || fail "qemu-img: $1"
	imgcmp image.qcow model.raw >/dev/null || fail "we read other content: $1"
}

# turns WHAT: image.qcow and model.raw hold the same disk.
turns() {
	local round

	for round in 0 1 2 3 4; do
		qemu_plays $size $round image.qcow
		agreed_qcow "$1: written by qemu-io, round $round"
		"$play" run image.qcow model.raw 4096 $round 100 "${caches[$round]}" >told ||
			fail "$1, round $round"
		agreed_qcow "$1: written by us, round $round"
	done
}

"$play" fill start.raw $size
for how in '' -c; do
	cp start.raw model.raw
	# With -c it exits with 1 and no word behind a whole image.
	qemu-img convert $how -O qcow start.raw image.qcow || [ "$how" = -c ]
	turns "made by qemu-img $how"
	cp start.raw model.raw
	imgconv $how start.raw image.qcow
	turns "made by us $how"
done
cp start.raw model.raw
cp start.raw saved.raw
qemu-img create -q -f qcow -b start.raw -F raw image.qcow
turns "over a backing file"
cmp start.raw saved.raw || fail "the backing file was written"
