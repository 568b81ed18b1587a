# SPDX-License-Identifier: LGPL-2.1-or-later
# Memory stays within what imgconv(1) states, whatever the size of the disk or the pipe.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires /usr/bin/time --version

# within MEBIBYTES COMMAND...
within() {
	local limit=$1 used

	/usr/bin/time -o used.txt -f %M "${@:2}"
	used=$(($(tail -n 1 used.txt) / 1024))
	[ $used -le "$limit" ] || fail "$used MiB instead of at most $limit: ${*:2}"
}

# scattered FILE SIZE: 1 MiB of data at 16 places.
scattered() {
	local i bytes

	bytes=$(numfmt --from=iec "$2")
	truncate -s "$2" "$1" 2>/dev/null || skip "this file system has no files of $2"
	for ((i = 0; i < 16; i++)); do
		place "$1" $((bytes / 16 * i)) noise $mib
	done
}

scattered 100G.raw 100G
within 128 imgconv 100G.raw 100G.qcow2
judged 100G.qcow2 100G.raw "100 GiB"
within 128 imgconv -c 100G.raw packed.qcow2
judged packed.qcow2 100G.raw "100 GiB, compressed"
within 128 imgconv 100G.qcow2 back.raw
imgcmp back.raw 100G.raw >/dev/null || fail "100 GiB back to raw"

scattered 10T.raw 10T
within 128 imgconv 10T.raw 10T.qcow2
clean 10T.qcow2
imgcmp 10T.qcow2 10T.raw >/dev/null || fail "10 TiB"
within 128 imgmap 10T.qcow2 >/dev/null

# A pipe of 1 GiB, written out as it comes.
within 128 sh -c 'head -c 1G /dev/zero | imgconv - -O raw - >/dev/null'
for _ in $(seq 40); do cat noise text; done | within 128 imgconv -f raw - long.qcow2
for _ in $(seq 40); do cat noise text; done | within 128 imgconv -f raw - -c packed.qcow2
imgcmp long.qcow2 packed.qcow2 >/dev/null || fail "plain and compressed differ"
