# SPDX-License-Identifier: LGPL-2.1-or-later
# --salvage overwrites nothing that it reads, by whatever name, and --map not what it rescues; the map is
# there as a whole.
. "$srcdir/tests/functions.sh"
requires jq --version

dd if=/dev/urandom of=base.raw bs=64k count=1 status=none
imgconv base.raw disk.qcow2
imgcreate -q -b base.raw -F raw top.qcow2
printf secret >key
ln disk.qcow2 hard
ln -s new.qcow2 to-new

# refused PATTERN ARG...: of imgcheck --salvage; no file changes, and none is made.
refused() {
	local before

	before=$(sha256sum base.raw disk.qcow2 top.qcow2 key)
	exits 1 imgcheck --salvage -q "${@:2}" 2>message
	grep -q -- "$1" message || fail "${*:2}: $(cat message)"
	same "$before" "$(sha256sum base.raw disk.qcow2 top.qcow2 key)" "files: ${*:2}"
	[ ! -e new.qcow2 ] || fail "a target is left: ${*:2}"
}

for name in disk.qcow2 ./disk.qcow2 hard key new.qcow2 ./new.qcow2 to-new; do
	refused "--map cannot write there" --key-file=key -o new.qcow2 --map=$name disk.qcow2
done
refused "--map cannot write there" -o new.qcow2 --map=base.raw top.qcow2
refused "same file" -o hard disk.qcow2
for share in "" -U; do
	refused "is read for what would be written there" $share -O raw -o base.raw top.qcow2
done
refused "is read for what would be written there" --key-file=key -O raw -o key disk.qcow2

echo old >map
ln map reader
imgcheck --salvage -q -o new.qcow2 --map=map disk.qcow2
same old "$(cat reader)" "the old map"
same 65536 "$(jq '.salvage.map[0].length' map)" "the new map"
