# SPDX-License-Identifier: LGPL-2.1-or-later
# Every format is served, and written where it can be: the same bytes go in and come out, and clients
# see where there are none.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/nbdkit-img/server.sh"

seq 1 600000 >text
truncate -s 12M disk.raw
dd if=text of=disk.raw bs=64k seek=16 conv=notrunc status=none

# is_sparse IMAGE: what was never written is a hole; formats round up to their units.
is_sparse() {
	local data

	nbdinfo --map --json "$uri" >map.json
	data=$(jq '[.[] | select(.type == 0) | .length] | add' map.json)
	[ "$data" -ge "$(stat -c %s text)" ] && [ "$data" -le $((6 * mib)) ] &&
		jq -e 'any(.type == 3 and .length >= 4000000)' map.json >/dev/null ||
		fail "$1: $(cat map.json)"
}

# What is written by qemu-io: bytes and zeros, within units and over them, several at once.
written='
write -P 7 9000k 700k
write -z 9100k 100k
write -z -u 0 1M
discard 10M 1M
write -P 5 10M 1M
write -f -P 9 11M 4k
aio_write -P 3 4M 1M
aio_write -P 4 6M 1M
aio_write -P 5 8M 512k
aio_flush
flush
write -P 8 777 12345'

# is_written IMAGE: by nbdcopy from its start, then by qemu-io, as a raw file is.
is_written() {
	cp disk.raw model.raw
	dd if=text of=model.raw conv=notrunc status=none
	nbdcopy text "$uri"
	io model.raw "$written" || fail "the model: $(cat io.txt)"
	io "$uri" "$written" || fail "$1: $(cat io.txt)"
	stop "$server"
	imgcmp -f "${1##*.}" "$1" -F raw model.raw >/dev/null || fail "$1 holds something else"
	case $1 in
	*.raw) ;;
	*) exits 0 imgcheck -q "$1" ;;
	esac
}

for format in raw qcow2 vdi vmdk qcow cow cloop; do
	imgconv -O $format disk.raw image.$format
	serve "$plugin" image.$format format=$format
	nbdcopy "$uri" out.raw
	cmp out.raw disk.raw || fail "$format: other bytes came out"
	is_sparse image.$format
	if [ $format = cloop ]; then
		nbdinfo --is readonly "$uri" || fail "cloop can be written"
		continue
	fi
	for ability in flush fua trim zero fast-zero multi-conn; do
		nbdinfo --can $ability "$uri" || fail "$format cannot: $ability"
	done
	is_written image.$format
done
