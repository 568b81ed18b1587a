# SPDX-License-Identifier: LGPL-2.1-or-later
# VMDK images of each type that has grains or plain bytes go on being written by qemu-io and by us in
# turn, in every cache mode.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/disk.sh"
requires jq --version

size=$((5 * mib))

# field NAME: of image.vmdk.
field() {
	imginfo --output=json image.vmdk | jq ".\"format-specific\".\"$1\""
}

# turns WHAT: image.vmdk and model.raw hold the same disk.
turns() {
	local round cid

	for round in 0 1 2 3 4; do
		qemu_plays $size $round image.vmdk
		agreed "$1: written by qemu-io, round $round"
		cid=$(field cid)
		"$play" run image.vmdk model.raw 65536 $round 100 "${caches[$round]}" >told ||
			fail "$1, round $round"
		agreed "$1: written by us, round $round"
		[ "$cid" != "$(field cid)" ] || fail "$1: the content identifier is the same"
		[ "$(field extents | jq '[.[].unclean] | any')" = false ] ||
			fail "$1: it was not closed properly"
	done
}

agreed() {
	judged image.vmdk model.raw "$1"
	imgcmp image.vmdk model.raw >/dev/null || fail "we read other content: $1"
}

"$play" fill start.raw $size
for options in subformat=monolithicSparse subformat=monolithicSparse,zeroed_grain=on \
	subformat=twoGbMaxExtentSparse subformat=monolithicFlat subformat=twoGbMaxExtentFlat; do
	rm -f image*
	cp start.raw model.raw
	qemu-img convert -O vmdk -o $options start.raw image.vmdk
	turns "made by qemu-img, $options"
	rm -f image*
	cp start.raw model.raw
	imgconv -o $options start.raw image.vmdk
	turns "made by us, $options"
done

# A child is written over its parent, which stays what it is; written itself, that is told.
for zeroed in off on; do
	rm -f image* base*
	imgconv start.raw base.vmdk
	imgconv -B base.vmdk -o zeroed_grain=$zeroed start.raw image.vmdk
	cp base.vmdk saved.img
	cp start.raw model.raw
	turns "a child, zeroed_grain=$zeroed"
	cmp base.vmdk saved.img || fail "the parent was written"
done
cp start.raw model.raw
"$play" run base.vmdk model.raw 65536 8 10 writeback >told || fail "the parent"
imgconv image.vmdk out.raw 2>message
grep -q 'CID' message || fail "$(cat message)"

# What cannot be written says so.
qemu-img convert -O vmdk -o subformat=streamOptimized start.raw stream.vmdk
exits 1 "$play" run stream.vmdk start.raw 65536 1 1 writeback >told 2>&1 || true
grep -q 'can only be read' told || fail "$(cat told)"
