# SPDX-License-Identifier: LGPL-2.1-or-later
# Images that we have made, in every layout, go on being written by qemu-io, in turn with us.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/disk.sh"

# goes_on SIZE GRAIN OPTIONS EXTRA NUMBER
goes_on() {
	local what="$3, $4" round

	"$play" fill start.raw "$1"
	cp start.raw model.raw
	we_make "$3" "$4"
	for round in 1 2; do
		qemu_plays "$1" $((20 * $5 + round))
		agreed "$what: written by qemu-io, round $round"
		"$play" run image.qcow2 model.raw "$2" $((20 * $5 + round)) 150 \
			${caches[($5 + 2 * round) % 5]} >told || fail "$what, round $round"
		agreed "$what: written by us, round $round"
	done
}

each_layout goes_on
