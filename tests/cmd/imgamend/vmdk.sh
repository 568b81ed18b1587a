# SPDX-License-Identifier: LGPL-2.1-or-later
# What imgamend changes in the descriptor of a VMDK image, inside the image or beside it, and that a
# child takes a parent that has changed when it is told the new identifier.
. "$srcdir/tests/functions.sh"
requires jq --version
requires qemu-img --version

# has IMAGE TEXT: its type, identifiers, and what is in the database.
has() {
	same "$2" "$(imginfo --output=json "$1" | jq -r '."format-specific" | [.cid, ."adapter-type",
		."hardware-version", ."tools-version"] | join(" ")')" "$1"
	qemu-img info "$1" >/dev/null || fail "qemu-img does not open $1"
	imgcheck -q "$1" || fail "imgcheck finds fault with $1"
}

head -c 3M /dev/urandom >disk.raw
for type in monolithicSparse monolithicFlat; do
	imgconv -o subformat=$type,cid=12345678 disk.raw $type.vmdk
	imgamend -q -o cid=abc,adapter_type=lsilogic,hwversion=13,toolsversion=10336 $type.vmdk
	has $type.vmdk "2748 lsilogic 13 10336"
	imgcmp -q disk.raw $type.vmdk || fail "$type: another disk"
done
grep -q '^ *content identifier: *00000abc$' <(imginfo monolithicSparse.vmdk) || fail "not in hexadecimal"

# A line that was missing, and one that is of another writer.
sed -i -e '/toolsVersion/d' -e 's/^CID=.*/cid = ABC/' monolithicFlat.vmdk
imgamend -q -o cid=1,toolsversion=7 monolithicFlat.vmdk
has monolithicFlat.vmdk "1 lsilogic 13 7"
sed -i '/^cid/d' monolithicFlat.vmdk
imgamend -q -o cid=2 monolithicFlat.vmdk
same 2 "$(qemu-img info --output=json monolithicFlat.vmdk | jq '."format-specific".data.cid')" \
	"an identifier where none was, as QEMU sees it"

# The parent has changed: a check names the way out, which goes as said.
imgcreate -b monolithicSparse.vmdk child.vmdk
imgamend -q -o cid=beef monolithicSparse.vmdk
exits 2 imgcheck child.vmdk >out
grep -q 'imgamend -o parent_cid=' out || fail "no way out: $(cat out)"
imgamend -q -o parent_cid=beef child.vmdk
imgcheck -q child.vmdk || fail "the child does not find its parent"
imgcmp -q disk.raw child.vmdk || fail "the child has another disk"

refuses() {
	cp "$2" before
	exits "$1" imgamend -q -o "$3" "$2" 2>err
	grep -q "$4" err || fail "$3: $(cat err)"
	cmp before "$2" || fail "$3: refused, but changed"
}
refuses 1 child.vmdk parent_cid=ffffffff 'stands for none'
refuses 1 child.vmdk parent_cid=new 'hexadecimal'
refuses 1 monolithicSparse.vmdk parent_cid=1 'stands alone'
refuses 1 monolithicSparse.vmdk cid=1,adapter_type=scsi adapter_type
