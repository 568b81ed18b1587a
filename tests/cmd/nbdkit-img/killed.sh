# SPDX-License-Identifier: LGPL-2.1-or-later
# A server that is killed at any moment: the image is consistent but for leaks, and what was flushed
# is there.  When its client is, the image is whole.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/nbdkit-img/server.sh"
requires /usr/bin/python3 -c 'import nbd'

client=$srcdir/tests/cmd/nbdkit-img/client.py
size=$((4 * mib))

# is_there FORMAT SEED STATUS...: what the client was told of; and how imgcheck may end.
is_there() {
	local image=image.$1 n status=0

	n=$(tail -n 1 told)
	imgconv -f "$1" "$image" -O raw out.raw
	/usr/bin/python3 "$client" check out.raw "$2" "$n" ||
		fail "$1, seed $2: killed after request $n"
	[ "$1" != raw ] || return 0
	imgcheck -q "$image" || status=$?
	[[ " ${*:3} " = *" $status "* ]] || fail "$1, seed $2: damaged after request $n"
}

# begin FORMAT SEED SECONDS: a client, the job $job, writes for so long after its first flush.
begin() {
	local image=image.$1

	rm -f "$image" told
	imgcreate -f "$1" "$image" $size
	serve "$plugin" "$image" format="$1"
	/usr/bin/python3 "$client" write "$uri" "$2" $size >told 2>/dev/null &
	job=$!
	until [ -s told ] || [ ! -d /proc/$job ]; do sleep 0.02; done
	sleep "$3"
}

survives_server() {
	begin "$@"
	stop "$server" -KILL
	! wait $job || fail "$1: the client did not notice"
	is_there "$1" "$2" 0 3
}

survives_client() {
	begin "$@"
	stop $job -KILL
	io "$uri" 'read 0 64k' || fail "$1: nobody else is served: $(cat io.txt)"
	stop "$server"
	is_there "$1" "$2" 0
}

seed=1
for format in raw qcow2 vdi vmdk qcow cow; do
	survives_server $format $((seed++)) 0.0
	survives_server $format $((seed++)) 0.1
	survives_client $format $((seed++)) 0.05
done
