# SPDX-License-Identifier: LGPL-2.1-or-later
# Killed at any moment, again and again: the image stays consistent but for leaks, and what was
# flushed is there.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/disk.sh"

# killed SECONDS IMAGE GRAIN SEED CACHE: "flushed" lines in told.
killed() {
	local job

	"$play" run "$2" model.raw "$3" "$4" 1000000 "$5" >told &
	job=$!
	sleep "$1"
	kill -s KILL $job 2>/dev/null || fail "it has ended by itself"
	wait $job 2>/dev/null || true
}

# is_consistent OPTIONS: leaks are allowed, and lazy counts are set right first.
is_consistent() {
	local status=0

	case $1 in
	*lazy*) qemu-img check -q -r all image.qcow2 >check.txt 2>&1 || status=$? ;;
	*) qemu-img check -q image.qcow2 >check.txt 2>&1 || status=$? ;;
	esac
	[ $status = 0 ] || [ $status = 3 ] || fail "$1: $(cat check.txt)"
}

# survives SIZE GRAIN OPTIONS EXTRA NUMBER
survives() {
	local delays=(0.03 0.01 0.06) i last

	"$play" fill start.raw "$1"
	qemu_makes "$3" "$4"
	cp start.raw model.raw
	for i in 0 1 2; do
		cp model.raw began.raw
		killed ${delays[i]} image.qcow2 "$2" $((3 * $5 + i)) ${caches[($5 + i) % 4]}
		last=$(sed -n '$s/flushed //p' told)
		"$play" check image.qcow2 began.raw "$2" $((3 * $5 + i)) "${last:-0}" ||
			fail "$3, $4: round $i, killed after request ${last:-0}"
		is_consistent "$3"
		qemu-img convert -O raw image.qcow2 model.raw
	done
}

each_layout survives
