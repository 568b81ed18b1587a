# SPDX-License-Identifier: LGPL-2.1-or-later
# A run on an image of the user's that is interrupted ends the image as well: nothing has leaked.
. "$srcdir/tests/functions.sh"
requires qemu-img --version

for depth in 1 4; do
	imgcreate -f qcow2 disk.qcow2 1G
	imgbench --pattern=randwrite --seconds=60 --depth=$depth disk.qcow2 >out 2>err &
	pid=$!
	sleep 0.5
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	same 143 "$status" "status at depth $depth"
	same "" "$(cat out err)" "it talks"
	qemu-img check disk.qcow2 >check.txt 2>&1 || fail "depth $depth: $(tail -n 3 check.txt)"
	rm disk.qcow2
done
