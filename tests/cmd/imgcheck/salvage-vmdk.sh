# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcheck --salvage brings back all that damaged VMDK files still hold; what they do not is lost, and
# never zeros.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires python3 --version
requires jq --version

tool() {
	python3 "$srcdir/tests/cmd/imgcheck/vmdk_damage.py" "$@"
}

# salvage STATUS FILE OPTION...
salvage() {
	local status=$1 file=$2

	shift 2
	rm -f new.raw map.json
	exits "$status" imgcheck --salvage -q -o new.raw -O raw --map=map.json "$@" "$file"
}

# damaged STATUS IMAGE KIND OPTION...: what is left of IMAGE after that damage comes back.
damaged() {
	local status=$1 image=$2 kind=$3

	shift 3
	! left_out || return 0
	tool damage "$image" x.vmdk "$kind"
	echo "$image, $kind:"
	before=$(sha256sum <x.vmdk)
	salvage "$status" x.vmdk "$@"
	same "$before" "$(sha256sum <x.vmdk)" "the damaged image was changed"
	tool judge "$image" x.vmdk disk.raw new.raw map.json || fail "$image, $kind"
}

# Text, noise and holes; its last grain is a short one.
python3 - <<'PY'
import random
r = random.Random(1)
disk = bytearray(70 * 1024 * 1024 + 512)
for at in range(0, len(disk), 1 << 20):
    if at >> 20 & 3:
        piece = r.randbytes(40000) + b"a text " * 50000
        disk[at + 70000:at + 70000 + len(piece)] = piece
del disk[70 * 1024 * 1024 + 512:]
disk[-600:] = b"." * 600
disk[:700] = b"!" * 700
open("disk.raw", "wb").write(disk)
PY
size=$(stat -c %s disk.raw)
qemu-img convert -O vmdk disk.raw sparse.vmdk
qemu-img convert -O vmdk -o subformat=streamOptimized disk.raw front.vmdk
tool stream disk.raw stream.vmdk

# ---- Sparse ------------------------------------------------------------------------------------
for how in zeros noise; do
	for kind in none header second-directory first-directory first-tables second-tables \
		header-and-directory; do
		damaged 0 sparse.vmdk $kind:$how
	done
	damaged 5 sparse.vmdk directories:$how
	damaged 0 sparse.vmdk front:$how --size="$size"
	damaged 5 sparse.vmdk front:$how
	damaged 0 sparse.vmdk front-to-second-tables:$how --size="$size"
done
damaged 4 sparse.vmdk cut50

# ---- Streams -----------------------------------------------------------------------------------
for image in front stream; do
	for how in zeros noise; do
		damaged 0 $image.vmdk none:$how
		damaged 0 $image.vmdk header:$how
		damaged 4 $image.vmdk marker:$how
		damaged 4 $image.vmdk grain:$how
		damaged 4 $image.vmdk grains:$how
		damaged 4 $image.vmdk header-and-grains:$how
		damaged 0 $image.vmdk first-tables:$how
		damaged 0 $image.vmdk first-directory:$how
	done
	damaged 4 $image.vmdk cut50
	damaged 4 $image.vmdk cut95
done
damaged 0 stream.vmdk footer:zeros
damaged 0 stream.vmdk footer:noise
damaged 0 stream.vmdk end:noise
damaged 0 stream.vmdk header-and-footer:noise

# ---- Several files -----------------------------------------------------------------------------
head -c 36700160 disk.raw >one.raw
tail -c +36700161 disk.raw >two.raw
qemu-img convert -O vmdk -o subformat=twoGbMaxExtentSparse one.raw one.vmdk
qemu-img convert -O vmdk -o subformat=twoGbMaxExtentSparse two.raw two.vmdk
split() {
	cp one-s001.vmdk split-s001.vmdk
	cp two-s001.vmdk split-s002.vmdk
	tr -d '\0' <one.vmdk | sed '/^RW/d' >split.vmdk
	printf 'RW %d SPARSE "split-s001.vmdk"\nRW %d SPARSE "split-s002.vmdk"\n' \
		$((36700160 / 512)) $(((size - 36700160 + 511) / 512)) >>split.vmdk
}

# is_lost START LENGTH: that, and nothing else.
is_lost() {
	same "$1 $2" "$(jq -r '[.salvage.map[] | select(.state == "lost")] |
		"\(.[0].start) \(map(.length) | add)"' map.json)" "what is lost"
}

split
salvage 0 split.vmdk
exits 0 cmp -n "$size" disk.raw new.raw
dd if=/dev/zero of=split-s002.vmdk bs=512 count=1 conv=notrunc status=none
salvage 0 split.vmdk
exits 0 cmp -n "$size" disk.raw new.raw
split
rm split-s002.vmdk
salvage 4 split.vmdk
exits 0 cmp -n 36700160 disk.raw new.raw
is_lost 36700160 $((size - 36700160))
split
sed -i 's/^CID=.*/CID=nonsense/' split.vmdk
salvage 0 split.vmdk
exits 0 cmp -n "$size" disk.raw new.raw
# What was overwritten may have been about an extent in front of the others.
sed -i 's/^createType.*/\x00\x01/' split.vmdk
salvage 5 split.vmdk
exits 0 cmp -n "$size" disk.raw new.raw
# There may have been more files than are left.
sed -i '/^RW/d' split.vmdk
salvage 5 split.vmdk
exits 0 cmp -n "$size" disk.raw new.raw
: >split.vmdk
salvage 5 split.vmdk
exits 0 cmp -n "$size" disk.raw new.raw

qemu-img convert -O vmdk -o subformat=monolithicFlat disk.raw flat.vmdk
head -c 300 /dev/zero >flat.vmdk
salvage 0 flat.vmdk
exits 0 cmp disk.raw new.raw
qemu-img convert -O vmdk -o subformat=monolithicFlat disk.raw flat.vmdk
truncate -s 1048576 flat-flat.vmdk
salvage 4 flat.vmdk
exits 0 cmp -n 1048576 disk.raw new.raw
is_lost 1048576 $((size - 1048576))

# ---- Nothing -----------------------------------------------------------------------------------
head -c 100000 /dev/zero >x.vmdk
exits 1 imgcheck --salvage -o new.raw -O raw x.vmdk 2>err
grep -q 'nothing is left' err || fail "$(cat err)"
