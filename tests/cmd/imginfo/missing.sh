# SPDX-License-Identifier: LGPL-2.1-or-later
# imginfo tells that a file has lost its end, and how much of it at least.
. "$srcdir/tests/functions.sh"
requires jq --version

# missing FILE: bytes, or null.
missing() {
	exits 0 imginfo --output=json "$1" >info
	jq '."missing-at-least"' info
}

# cut BYTES FILE: without its last bytes, as cut.qcow2.
cut() {
	head -c "-$1" "$2" >cut.qcow2
}

# Behind all data lie the L2 table, the refcount table, and its block.
head -c 1M /dev/zero | tr '\0' 'x' >disk.raw
imgconv disk.raw whole.qcow2
same null "$(missing whole.qcow2)" "a whole file"
for lost in 1 65536 65537; do
	cut $lost whole.qcow2
	same $lost "$(missing cut.qcow2)" "a file without its last $lost bytes"
done
cut 200000 whole.qcow2
bytes=$(missing cut.qcow2)
[ "$bytes" -gt 65536 ] && [ "$bytes" -le 200000 ] || fail "$bytes bytes miss, not some of 200000"

# Behind all tables lie the data.
imgcreate late.qcow2 1M
imgbench --pattern=write --block-size=64k --requests=16 late.qcow2 >/dev/null
same null "$(missing late.qcow2)" "a whole file that was written at random"
for lost in 1 200000; do
	cut $lost late.qcow2
	same $lost "$(missing cut.qcow2)" "a file without its last $lost bytes"
done
imginfo cut.qcow2 >out
grep -q 'missing at the end.*200000 bytes' out || fail "$(cat out)"
exits 0 imginfo --output=xml cut.qcow2 >info
grep -q '<missing-at-least>200000<' info || fail "$(cat info)"

# What ends inside a compressed cluster cannot be told from what ends with it.
imgconv -c disk.raw packed.qcow2
same null "$(missing packed.qcow2)" "a whole compressed image"

# Only the header is left: its tables are missing.
head -c 65536 whole.qcow2 >cut.qcow2
[ "$(missing cut.qcow2)" -gt 0 ] || fail "tables are not missed"

# Of other formats, the part of the disk that the file cannot give.
for format in vdi vmdk cloop qcow; do
	imgconv -O $format disk.raw whole.$format
	same null "$(imginfo --output=json whole.$format | jq '."lost-at-least"')" "a whole $format"
	head -c "$(($(stat -c %s whole.$format) / 2))" whole.$format >cut.$format
	imginfo --output=json cut.$format >info
	jq -e '."lost-at-least" > 65536' info >lost || fail "$format: $(cat info)"
done
exits 0 imginfo --output=xml cut.vdi >info
grep -q '<lost-at-least>' info || fail "$(cat info)"
