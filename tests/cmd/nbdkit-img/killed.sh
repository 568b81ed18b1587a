# SPDX-License-Identifier: LGPL-2.1-or-later
# A server that is killed at any moment: the image is consistent but for leaks, and what was flushed
# is there.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/nbdkit-img/server.sh"
requires /usr/bin/python3 -c 'import nbd'

client=$srcdir/tests/cmd/nbdkit-img/client.py
size=$((4 * mib))

# survives FORMAT SEED SECONDS
survives() {
	local image=image.$1 job n status=0

	rm -f "$image" told
	imgcreate -f "$1" "$image" $size
	serve "$plugin" "$image" format="$1"
	/usr/bin/python3 "$client" write "$uri" "$2" $size >told 2>/dev/null &
	job=$!
	until [ -s told ] || [ ! -d /proc/$job ]; do sleep 0.02; done
	sleep "$3"
	stop "$server" -KILL
	! wait $job || fail "$1: the client did not notice"
	n=$(tail -n 1 told)
	imgconv -f "$1" "$image" -O raw out.raw
	/usr/bin/python3 "$client" check out.raw "$2" "$n" ||
		fail "$1, seed $2: killed after request $n"
	[ "$1" != raw ] || return 0
	imgcheck -q "$image" || status=$?
	[ $status = 0 ] || [ $status = 3 ] || fail "$1, seed $2: damaged after request $n"
}

seed=1
for format in raw qcow2 vdi vmdk qcow cow; do
	for delay in 0.0 0.1; do
		survives $format $((seed++)) $delay
	done
done
