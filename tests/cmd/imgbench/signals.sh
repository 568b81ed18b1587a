# SPDX-License-Identifier: LGPL-2.1-or-later
# TERM ends a long run by that signal; the images of a table go, and nothing is reported.
. "$srcdir/tests/functions.sh"

mkdir images
table="--formats=raw --size=1M --dir=images"
for args in "$table" "$table --depth=4" disk.raw; do
	truncate -s 1M disk.raw
	# shellcheck disable=SC2086
	imgbench --pattern=randwrite --seconds=60 $args >out 2>err &
	pid=$!
	sleep 0.3
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	same 143 "$status" "status: $args"
	same "" "$(cat out err)" "it talks: $args"
	same "" "$(ls images)" "left behind: $args"
done
