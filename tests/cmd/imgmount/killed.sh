# SPDX-License-Identifier: LGPL-2.1-or-later
# Killed at any moment: the image is consistent but for leaks, and what fsync() was told of is there.
# When the program that writes is killed, or imgmount is asked to end by a signal, the image is whole.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/imgmount/folder.sh"
play=$builddir/tests/tools/play

# begin FORMAT SEED SECONDS: $player writes for so long after it was told first that it is durable.
begin() {
	local image=image.$1

	imgconv -O "$1" start.raw "$image"
	cp start.raw model.raw
	rm -f told
	show --rw -f "$1" "$image"
	"$play" run mnt/disk.raw model.raw 65536 "$2" 1000000 writeback >told 2>/dev/null &
	player=$!
	until [ -s told ] || [ ! -d /proc/$player ]; do sleep 0.02; done
	sleep "$3"
}

# is_there FORMAT SEED STATUS...: what the player was told of; and how imgcheck may end.
is_there() {
	local image=image.$1 n status=0

	n=$(sed -n '$s/flushed //p' told)
	"$play" check "$image" start.raw 65536 "$2" "${n:-0}" ||
		fail "$1, seed $2: killed after request ${n:-0}"
	[ "$1" != raw ] || return 0
	imgcheck -q "$image" || status=$?
	[[ " ${*:3} " = *" $status "* ]] || fail "$1, seed $2, request $n: damaged"
}

survives_mounter() {
	begin "$@"
	kill -s KILL $mounter
	! wait $player || fail "$1: the player did not notice"
	wait $mounter || true
	fusermount3 -u -z mnt
	is_there "$1" "$2" 0 3
}

survives_player() {
	begin "$@"
	kill -s KILL $player
	wait $player || true
	hide
	is_there "$1" "$2" 0
}

"$play" fill start.raw $((4 * mib))
seed=1
for format in $(few 'raw qcow2 vdi vmdk qcow cow' 'qcow2 vmdk'); do
	survives_mounter $format $((seed++)) 0.1
	survives_player $format $((seed++)) 0.05
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
