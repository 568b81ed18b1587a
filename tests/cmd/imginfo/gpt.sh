# SPDX-License-Identifier: LGPL-2.1-or-later
# A raw disk with a GUID partition table that has lost its end: imginfo tells how much at least.
. "$srcdir/tests/functions.sh"
requires jq --version
requires sfdisk --version

# missing FILE: bytes, or null.
missing() {
	exits 0 imginfo --output=json "$1" >info
	jq '."missing-at-least"' info
}

truncate -s 8M disk.raw
same null "$(missing disk.raw)" "a disk without partitions"
printf 'label: gpt\n,4M\n,\n' | sfdisk -q disk.raw
same null "$(missing disk.raw)" "a whole disk"
for lost in 1 512 5000000; do
	head -c "-$lost" disk.raw >cut.raw
	same $lost "$(missing cut.raw)" "a disk without its last $lost bytes"
done
imginfo cut.raw >out
grep -q 'missing at the end.*5000000 bytes' out || fail "$(cat out)"

# A disk that was made larger has lost nothing.
truncate -s 9M disk.raw
same null "$(missing disk.raw)" "a larger disk"
same null "$(head -c 4M disk.raw | imginfo --output=json - | jq '."missing-at-least"')" "a pipe"
