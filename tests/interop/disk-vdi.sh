# SPDX-License-Identifier: LGPL-2.1-or-later
# VDI images go on being written by qemu-io and by us in turn, in every cache mode.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/disk.sh"

size=$((5 * mib))

# turns WHAT: image.vdi and model.raw hold the same disk.
turns() {
	local round

	for round in 0 1 2 3 4; do
		qemu_plays $size $round image.vdi
		agreed_vdi "$1: written by qemu-io, round $round"
		"$play" run image.vdi model.raw 65536 $round 100 "${caches[$round]}" >told ||
			fail "$1, round $round"
		agreed_vdi "$1: written by us, round $round"
	done
}

agreed_vdi() {
	judged image.vdi model.raw "$1"
	exits 0 imgcheck -q image.vdi
	imgcmp image.vdi model.raw >/dev/null || fail "we read other content: $1"
}

"$play" fill start.raw $size
for static in off on; do
	cp start.raw model.raw
	qemu-img convert -O vdi -o static=$static start.raw image.vdi
	turns "made by qemu-img, static=$static"
	cp start.raw model.raw
	imgconv -o static=$static start.raw image.vdi
	turns "made by us, static=$static"
done

# A child is written over its parent, which stays what it is; written itself, it is refused.
imgconv start.raw base.vdi
imgconv -B base.vdi start.raw child.vdi
cp base.vdi saved.img
cp start.raw model.raw
"$play" run child.vdi model.raw 65536 7 100 writeback >told || fail "a child"
imgcmp child.vdi model.raw >/dev/null || fail "a child holds something else"
exits 0 imgcheck -q child.vdi
cmp base.vdi saved.img || fail "the parent was written"
"$play" run base.vdi start.raw 65536 8 10 writeback >told || fail "the parent"
exits 1 imgconv child.vdi out.raw 2>message
grep -q 'was changed since' message || fail "$(cat message)"
