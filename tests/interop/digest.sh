# SPDX-License-Identifier: LGPL-2.1-or-later
# --digest gives the hash of the disk's content: the same from every format, holes included.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

# digest ALGORITHM ARGUMENT...: the hash that imgconv reports.
digest() {
	imgconv --digest="$1" --output=json "${@:2}" | jq -r .digest.value
}
requires jq --version

for size in 0 1 $((3 * mib + 1)) $((11 * mib + 12345)); do
	make_disk disk.raw $size
	want=$(hash_of cat disk.raw)
	for options in '' -c '-o extended_l2=on' '-S 0' '-m 7'; do
		rm -f image.qcow2
		# shellcheck disable=SC2086
		same "$want" "$(digest sha256 $options disk.raw image.qcow2)" "$size bytes, $options"
	done
	padded=$(hash_padded disk.raw)	# a qcow2 has whole sectors
	same "$padded" "$(digest sha256 image.qcow2 back.raw)" "$size bytes from qcow2"
	same "$want" "$(cat disk.raw | digest sha256 - piped.qcow2)" "$size bytes from a pipe"
	imgconv --digest=sha256 --output=json image.qcow2 -O raw - 2>report.json >/dev/null
	same "$padded" "$(jq -r .digest.value report.json)" "$size bytes to a pipe"
done
same "$(sha512sum <disk.raw | cut -d ' ' -f 1)" "$(digest sha512 disk.raw image.qcow2)" sha512
imgconv --digest=sha256 disk.raw image.qcow2 | grep -q "$want" || fail "not printed for people"
exits 63 imgconv --digest=none-such disk.raw other.qcow2 2>/dev/null
[ ! -e other.qcow2 ] || fail "a target is left"
