# SPDX-License-Identifier: LGPL-2.1-or-later
# Images that qemu-img has made, in every layout, go on being written by us, in turn with qemu-io.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/disk.sh"

# goes_on SIZE GRAIN OPTIONS EXTRA NUMBER
goes_on() {
	local what="$3, $4" round

	"$play" fill start.raw "$1"
	cp start.raw model.raw
	qemu_makes "$3" "$4"
	for round in 1 2; do
		"$play" run image.qcow2 model.raw "$2" $((10 * $5 + round)) 150 \
			${caches[($5 + round) % 5]} >told || fail "$what, round $round"
		agreed "$what: written by us, round $round"
		qemu_plays "$1" $((10 * $5 + round))
		agreed "$what: written by qemu-io, round $round"
	done
}

each_layout goes_on
