# SPDX-License-Identifier: LGPL-2.1-or-later
# What each verb does to the list of snapshots, and what is refused and changes nothing.
. "$srcdir/tests/functions.sh"
requires jq --version

# state: id, name and size of the disk of each snapshot.
state() {
	imgsnap list --output=json disk.qcow2 |
		jq -r '.snapshots[] | "\(.id) \(.name) \(."virtual-size")"'
}

# refused STATUS WHY ARG...: and the image stays as it was.
refused() {
	local status=$1 why=$2
	shift 2

	cp disk.qcow2 before
	exits "$status" imgsnap "$@" 2>err
	grep -q -- "$why" err || fail "$*: $(cat err)"
	cmp before disk.qcow2 || fail "$*: changed the image"
}

head -c 1M /dev/urandom >noise
imgconv -q noise disk.qcow2
same "" "$(state)" "a new image has none"
imgsnap create disk.qcow2 first
imgsnap create disk.qcow2 'second one'
same "1 first 1048576
2 second one 1048576" "$(state)" "made"
[ "$(imgsnap list --output=json disk.qcow2 | jq '.snapshots[0]."date-sec"')" -gt 1700000000 ] ||
	fail "it has no date"

refused 1 'already with the id or name "first"' create disk.qcow2 first
refused 1 'already with the id or name "2"' create disk.qcow2 2
refused 1 'from 1 to 65535 bytes' create disk.qcow2 ''
refused 1 'there is no snapshot "third"' delete disk.qcow2 third
refused 1 'there is no snapshot "third"' apply disk.qcow2 third
refused 1 'there is no snapshot "third"' rename disk.qcow2 third fourth
refused 1 'already with the id or name "first"' rename disk.qcow2 2 first

imgsnap rename disk.qcow2 'second one' second
imgsnap rename disk.qcow2 second second
same "1 first 1048576
2 second 1048576" "$(state)" "renamed"

# The disk is what both show already: there is nothing to keep.
same "" "$(imgsnap apply disk.qcow2 1)" "nothing is kept"
imgresize -q disk.qcow2 2M
same 'What the disk was is kept as the snapshot "before-first".' \
	"$(imgsnap apply disk.qcow2 first)" "what is kept"
same 1048576 "$(imginfo --output=json disk.qcow2 | jq '."virtual-size"')" "its size"
imgconv -q -O raw disk.qcow2 seen
cmp noise seen || fail "other content"
imgresize -q disk.qcow2 3M
same "" "$(imgsnap apply -q disk.qcow2 first)" "quiet"
imgresize -q disk.qcow2 4M
imgsnap apply --discard-current disk.qcow2 first
same "1 first 1048576
2 second 1048576
3 before-first 2097152
4 before-first-2 3145728" "$(state)" "applied"
for one in second 3 4 first; do
	imgsnap delete disk.qcow2 $one
done
same "" "$(state)" "all are gone"
exits 0 imgcheck -q disk.qcow2

# An id comes before a name.
imgsnap create disk.qcow2 one
imgsnap create disk.qcow2 two
imgsnap rename disk.qcow2 1 x1
same "1 x1 1048576
2 two 1048576" "$(state)" "the id"

# A name that becomes the id of what is kept is still the one that was asked for.
imgresize -q disk.qcow2 2M
imgsnap rename disk.qcow2 two 3
imgresize -q disk.qcow2 3M
imgsnap apply -q disk.qcow2 3
same 1048576 "$(imginfo --output=json disk.qcow2 | jq '."virtual-size"')" "not the id"
imgsnap delete disk.qcow2 before-3
imgsnap rename disk.qcow2 3 two

imgbitmap --add disk.qcow2 recorded
refused 63 'has bitmaps' apply disk.qcow2 two
imgbitmap --remove disk.qcow2 recorded

imgconv -q -o refcount_bits=1 noise disk.qcow2
refused 1 'imgamend -o refcount_bits=2' create disk.qcow2 full
imgamend -q -o refcount_bits=2 disk.qcow2
imgsnap create disk.qcow2 full
exits 0 imgcheck -q disk.qcow2

imgcreate -o data_file=data disk.qcow2 1M
refused 63 'keeps its data in another file' create disk.qcow2 a
imgcreate -o compat=0.10 disk.qcow2 1M
imgsnap create disk.qcow2 a
imgresize disk.qcow2 2M 2>err && fail "version 2 was resized"
exits 0 imgcheck -q disk.qcow2
cp "$srcdir/testdata/qcow2/bad-l2-entry-beyond.qcow2" disk.qcow2
refused 1 '' create disk.qcow2 a
imgcreate disk.vdi 1M
refused 63 'vdi images have no snapshots' list disk.vdi
