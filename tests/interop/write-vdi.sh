# SPDX-License-Identifier: LGPL-2.1-or-later
# VDI images that imgconv writes: qemu-img finds them clean and reads the same disk, which comes back
# whole, and they are laid out as VirtualBox does it.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

# field OFFSET BYTES: a number of the header.
field() {
	od -An -tu"$2" -j"$1" -N"$2" --endian=little image.vdi | tr -d ' '
}

for size in 0 1 511 512 $mib $((mib + 1)) $((3 * mib)) $((11 * mib + 12345)); do
	make_disk disk.raw "$size"
	for how in '' '-o static=on' '-S 0' '-m 1'; do
		# shellcheck disable=SC2086
		imgconv $how disk.raw image.vdi
		exits 0 imgcheck -q image.vdi
		same "$(hash_of cat disk.raw)" "$(hash_content image.vdi)" "$size bytes, $how"
		# QEMU's disks are whole sectors.
		[ $((size % 512)) -ne 0 ] || judged image.vdi disk.raw "$size bytes, $how"
	done
	cat disk.raw | imgconv - -O vdi - | cat >image.vdi
	exits 0 imgcheck -q image.vdi
	same "$(hash_of cat disk.raw)" "$(hash_content image.vdi)" "$size bytes, through pipes"
	imgconv image.vdi copy.qcow2
	imgconv copy.qcow2 image.vdi
	[ $((size % 512)) -ne 0 ] || judged image.vdi disk.raw "$size bytes, from qcow2"
done

same $mib "$(field 340 4)" "where the map begins"
same $((2 * mib)) "$(field 344 4)" "where the data begin"
same $mib "$(field 376 4)" "bytes of a block"
same 400 "$(field 72 4)" "bytes of the header"

# Other blocks than QEMU knows are read by us alone.
for block in 512 4k 64k 2M; do
	imgconv -o block_size=$block disk.raw image.vdi
	exits 0 imgcheck -q image.vdi
	same "$(hash_of cat disk.raw)" "$(hash_content image.vdi)" "blocks of $block"
done
exits 1 imgconv -o block_size=3k disk.raw no.vdi 2>/dev/null
exits 1 imgconv -o uuid=3 disk.raw no.vdi 2>/dev/null
exits 1 imgconv -o uuid=00000000-0000-0000-0000-000000000000 disk.raw no.vdi 2>/dev/null
[ ! -e no.vdi ] || fail "a target is left"

# uuid_of IMAGE
uuid_of() {
	imginfo --output=json "$1" | jq -r '."format-specific".uuid'
}
id=12345678-9abc-4def-8123-456789abcdef
for i in 1 2; do
	imgconv disk.raw new$i.vdi
	imgconv -o uuid=$id disk.raw same$i.vdi
done
same $id "$(uuid_of same1.vdi)" "the UUID that was asked for"
cmp same1.vdi same2.vdi || fail "the same UUID makes another file"
[ "$(uuid_of new1.vdi)" != "$(uuid_of new2.vdi)" ] || fail "two new images have the same UUID"

# A child holds the difference alone, and finds its parent again.
imgconv disk.raw base.vdi
cp disk.raw later.raw
place later.raw $((5 * mib + 7)) text 5000
place later.raw $((8 * mib)) /dev/zero $mib
imgconv -B base.vdi later.raw child.vdi
exits 0 imgcheck -q child.vdi
same "$(hash_of cat later.raw)" "$(hash_content child.vdi)" "a differencing image"
same differencing "$(imginfo --output=json child.vdi | jq -r '."format-specific".type')" type
same 1 "$(imginfo --output=json child.vdi | jq '."format-specific"."allocated-blocks"')" \
	"blocks in the child"
exits 1 imgconv -o static=on -B base.vdi later.raw no.vdi 2>/dev/null
exits 1 imgconv -B disk.raw -F raw later.raw no.vdi 2>/dev/null
[ ! -e no.vdi ] || fail "a target is left"

# A copy that keeps the UUIDs of its source takes its place below a child, and another one does not.
# What it is called by then can be changed, whatever lies below it.
mkdir copies
imgconv -o uuid=keep base.vdi copies/base.vdi
same "$(uuid_of base.vdi)" "$(uuid_of copies/base.vdi)" "the UUID that is kept"
cp child.vdi copies/child.vdi
same "$(hash_of cat later.raw)" "$(hash_content copies/child.vdi)" "a child over the copy"
exits 1 imgconv -o uuid=keep disk.raw no.vdi 2>message
grep -q 'copied from a VDI image' message || fail "$(cat message)"
exits 1 imgcreate -o uuid=keep no.vdi 1M 2>/dev/null
[ ! -e no.vdi ] || fail "a target is left"
imgamend -q -o uuid=$id copies/base.vdi
same $id "$(uuid_of copies/base.vdi)" "the UUID that was changed"
clean copies/base.vdi
exits 1 imgconv copies/child.vdi no.raw 2>/dev/null
imgamend -q -o uuid=new copies/child.vdi
[ "$(uuid_of child.vdi)" != "$(uuid_of copies/child.vdi)" ] || fail "no new UUID"
same "$(hash_of cat later.raw)" "$(hash_content --parent=base.vdi copies/child.vdi)" "under a new name"

# Space that is allocated beforehand: all blocks, in the order of the disk.
for size in 0 511 $((11 * mib + 12345)); do
	make_disk disk.raw $size
	for how in metadata falloc full; do
		imgconv -o preallocation=$how disk.raw image.vdi
		exits 0 imgcheck -q image.vdi
		same "$(hash_of cat disk.raw)" "$(hash_content image.vdi)" "$size bytes, $how"
		clean image.vdi
		same "$(field 384 4)" "$(field 388 4)" "blocks that are allocated, $how"
		[ $how = metadata ] && type=1 || type=2
		same $type "$(field 76 4)" "type, $how"
		[ $size -lt $mib ] || [ $how = metadata ] ||
			[ "$(du -k image.vdi | cut -f 1)" -ge $((11 * 1024)) ] || fail "no space, $how"
	done
done
