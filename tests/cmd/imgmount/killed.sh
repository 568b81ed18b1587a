# SPDX-License-Identifier: LGPL-2.1-or-later
# Killed at any moment: the image is consistent but for leaks, and what fsync() was told of is there.
# Asked to end by a signal: all is there.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/imgmount/folder.sh"
play=$builddir/tests/tools/play

# consistent IMAGE WHAT
consistent() {
	local status=0

	[ "$1" != image.raw ] || return 0
	imgcheck -q "$1" || status=$?
	[ $status = 0 ] || [ $status = 3 ] || fail "$2: damaged"
}

# survives FORMAT SEED SECONDS
survives() {
	local image=image.$1 n

	imgconv -O "$1" start.raw "$image"
	cp start.raw model.raw
	rm -f told
	show --rw -f "$1" "$image"
	"$play" run mnt/disk.raw model.raw 65536 "$2" 1000000 writeback >told 2>/dev/null &
	player=$!
	until [ -s told ] || [ ! -d /proc/$player ]; do sleep 0.02; done
	sleep "$3"
	kill -s KILL $mounter
	! wait $player || fail "$1: the player did not notice"
	wait $mounter || true
	fusermount3 -u -z mnt
	n=$(sed -n '$s/flushed //p' told)
	"$play" check "$image" start.raw 65536 "$2" "${n:-0}" ||
		fail "$1, seed $2: killed after request ${n:-0}"
	consistent "$image" "$1, seed $2, request $n"
}

"$play" fill start.raw $((4 * mib))
seed=1
for format in $(few 'raw qcow2 vdi vmdk qcow cow' 'qcow2 vmdk'); do
	survives $format $((seed++)) 0.1
done

imgconv start.raw -O qcow2 image.qcow2
seq 1 400000 >text
show --rw image.qcow2
dd if=text of=mnt/disk.raw conv=notrunc status=none
kill $mounter
wait $mounter || fail "TERM: $(cat err)"
! mountpoint -q mnt || fail "still mounted"
exits 0 imgcheck -q image.qcow2
imgconv image.qcow2 -O raw out.raw
cmp -n "$(stat -c %s text)" out.raw text
