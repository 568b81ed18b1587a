# SPDX-License-Identifier: LGPL-2.1-or-later
# Actions happen in the order of the command line, all of them or none.
. "$srcdir/tests/functions.sh"
requires jq --version

# state: name, granularity, enabled and dirty bytes of each bitmap.
state() {
	imgbitmap --output=json disk.qcow2 |
		jq -r '.bitmaps[] | "\(.name) \(.granularity) \(.enabled) \(.dirty // .unusable)"'
}

imgcreate disk.qcow2 64M
same "" "$(state)" "a new image has none"
imgbitmap --add disk.qcow2 a
imgbitmap --add --disable -g 4k disk.qcow2 b
imgbitmap --disable --add --remove --add -g 1M disk.qcow2 c 2>err &&
	fail "what does not exist cannot be disabled"
imgbitmap --add --remove --add -g 1M disk.qcow2 c
same "a 65536 true 0
b 4096 false 0
c 1048576 true 0" "$(state)" "made"
same "b 4096" "$(imgbitmap --output=json disk.qcow2 b |
	jq -r '.bitmaps[] | "\(.name) \(.granularity)"')" "one alone"

cp disk.qcow2 before.qcow2
exits 1 imgbitmap --remove --disable disk.qcow2 a 2>err
same 'imgbitmap: disk.qcow2: there is no bitmap "a"' "$(cat err)" "the second action"
cmp before.qcow2 disk.qcow2 || fail "the first action happened, though the second one failed"
exits 1 imgbitmap --add disk.qcow2 a 2>err
grep -q 'there is a bitmap "a" already' err || fail "$(cat err)"
exits 1 imgbitmap --add disk.qcow2 "$(printf %1024s x)" 2>err
exits 1 imgbitmap --add disk.qcow2 '' 2>err
exits 1 imgbitmap disk.qcow2 d 2>err
exits 1 imgbitmap --extents disk.qcow2 d 2>err
for size in 256 4G 5000; do
	exits 1 imgbitmap --add -g $size disk.qcow2 d 2>err
	grep -q 'is not a power of two between 512 and 2 GiB' err || fail "$size: $(cat err)"
done
cmp before.qcow2 disk.qcow2 || fail "a failure changed the image"
imgcreate none.qcow2 0
exits 1 imgbitmap --add none.qcow2 a 2>err
grep -q 'a disk of no bytes cannot have bitmaps' err || fail "no bytes: $(cat err)"

imgbitmap --enable disk.qcow2 b
imgbitmap --disable disk.qcow2 a
imgbitmap --remove disk.qcow2 c
same "a 65536 false 0
b 4096 true 0" "$(state)" "changed"

# The image of -b may be the one that changes.
ln disk.qcow2 link.qcow2
imgbitmap --remove disk.qcow2 b
imgbitmap --add --merge a -b ./disk.qcow2 disk.qcow2 b
imgbitmap --merge b -b link.qcow2 -F qcow2 disk.qcow2 a
same "a 65536 false 0
b 65536 true 0" "$(state)" "merged within one image"

imgcreate -o compat=0.10 old.qcow2 1M
exits 63 imgbitmap --add old.qcow2 a 2>err
grep -q 'version 2 can have no bitmaps' err || fail "$(cat err)"
truncate -s 1M disk.raw
exits 63 imgbitmap disk.raw 2>err
grep -q 'raw images have no bitmaps' err || fail "$(cat err)"
imgcreate -o cluster_size=4k fine.qcow2 4T
exits 1 imgbitmap --add -g 512 fine.qcow2 a 2>err
grep -q 'larger than 512 MiB' err || fail "$(cat err)"
