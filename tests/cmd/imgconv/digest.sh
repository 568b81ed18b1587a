# SPDX-License-Identifier: LGPL-2.1-or-later
# --digest is the hash of the raw disk, holes included, whatever the formats.
. "$srcdir/tests/functions.sh"

dd if=/dev/urandom of=disk.raw bs=1000 count=999 status=none
truncate -s 30000128 disk.raw
want=$(sha256sum <disk.raw | cut -d ' ' -f 1)
for target in a.raw a.qcow2; do
	got=$(imgconv --digest=sha256 --output=json disk.raw $target | jq -r .digest.value)
	same "$want" "$got" "raw to $target"
done
got=$(imgconv --digest=sha256 --output=json a.qcow2 b.raw | jq -r .digest.value)
same "$want" "$got" "qcow2 to raw"
got=$(cat disk.raw | imgconv --digest=sha256 --output=json - c.qcow2 | jq -r .digest.value)
same "$want" "$got" "pipe to qcow2"
got=$(imgconv --digest=sha256 --output=json disk.raw -O raw - 2>&1 >/dev/null | jq -r .digest.value)
same "$want" "$got" "the report goes to standard error when data goes to standard output"

printf x >>disk.raw
want=$(sha256sum <disk.raw | cut -d ' ' -f 1)
got=$(imgconv --digest=sha256 --output=json disk.raw odd.raw | jq -r .digest.value)
same "$want" "$got" "a disk that is no multiple of 512 bytes"
exits 63 imgconv --digest=no-such-hash disk.raw d.raw 2>err
[ ! -e d.raw ] || fail "a target was made without the digest that was asked for"
