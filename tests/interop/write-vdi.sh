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
