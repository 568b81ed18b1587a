# SPDX-License-Identifier: LGPL-2.1-or-later
# cloop images whose index or header was overwritten: a repair brings the index back byte for byte where
# all blocks are still there, a salvage gives what is left where they are not.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

make_disk disk.raw $((11 * mib))
imgconv disk.raw good.cloop
imgconv -o version=4.0,header=first,compression_type=xz disk.raw good-xz.cloop
imgconv -o version=4.0 disk.raw good-last.cloop

# overwrite AT BYTES: a part of image.cloop.
overwrite() {
	head -c "$2" <(seq 1000000 2000000 | gzip -1nc | tail -c +100) |
		dd of=image.cloop bs=1 seek="$1" conv=notrunc status=none
}

# entry I: where that entry of the index lies.
entry() {
	echo $((136 + 8 * $1))
}

# place I: where that block of image.cloop lies.
place_of() {
	od -An -tu8 --endian=big -j"$(entry "$1")" -N8 image.cloop | tr -d ' '
}

for image in good good-xz; do
	for damage in '0 8' '3 8' '3 40' '100 56' '176 8'; do
		cp $image.cloop image.cloop
		overwrite "$(entry "${damage% *}")" "${damage#* }"
		exits 2 imgcheck -q image.cloop
		exits 0 imgcheck -q --repair --no-undo-file image.cloop
		cmp image.cloop $image.cloop || fail "$image, entry $damage: not as it was"
		cp $image.cloop image.cloop
		overwrite "$(entry "${damage% *}")" "${damage#* }"
		exits 0 imgcheck --salvage -o rest.raw image.cloop >/dev/null
		cmp rest.raw disk.raw || fail "$image, entry $damage: salvaged otherwise"
		rm rest.raw
	done
done

# What is lost together with its entries stays lost, and is all that is.
cp good.cloop image.cloop
at=$(place_of 4)
overwrite "$(entry 3)" 40
overwrite $((at + 50)) 40
cp image.cloop before.cloop
imgcheck -q --repair --no-undo-file image.cloop || true
cmp image.cloop before.cloop || fail "a repair has guessed"
exits 4 imgcheck --salvage -o rest.raw --map map.json image.cloop >/dev/null
same 65536 "$(jq .salvage.lost map.json)" "bytes that are lost"
dd if=/dev/zero of=disk.raw bs=64k seek=4 count=1 conv=notrunc status=none
cmp rest.raw disk.raw || fail "more is lost than one block"
rm rest.raw
make_disk disk.raw $((11 * mib))

# Without a header all blocks are found, by the name of the file or by what lies behind it.
for len in 100 136 1552; do
	cp good.cloop image.cloop
	dd if=/dev/zero of=image.cloop bs=$len count=1 conv=notrunc status=none
	exits 5 imgcheck --salvage -o rest.raw image.cloop >/dev/null
	cmp rest.raw disk.raw || fail "$len bytes are gone"
	rm rest.raw
done
imgconv -o block_size=4k disk.raw image.cloop
dd if=/dev/zero of=image.cloop bs=136 count=1 conv=notrunc status=none
mv image.cloop noname
exits 5 imgcheck --salvage -o rest.raw noname >/dev/null
cmp rest.raw disk.raw || fail "an image with another name"
rm rest.raw

# An image of version 4.0 that was cut short has lost its header, too.
head -c $(($(stat -c %s good-last.cloop) / 2)) good-last.cloop >image.cloop
exits 5 imgcheck --salvage -o rest.raw image.cloop >/dev/null
len=$(stat -c %s rest.raw)
[ "$len" -gt $mib ] || fail "only $len bytes are found"
cmp -n "$len" rest.raw disk.raw || fail "what is found of half an image is wrong"

# What create_compressed_fs writes, and the same blocks as version 4.0 has them, in both orders.
requires test -x /usr/bin/create_compressed_fs
requires python3 --version
head -c 3M disk.raw >small.raw
for level in -1 0 6; do
	create_compressed_fs -q -L $level -B 65536 small.raw v2.cloop >/dev/null 2>&1
	python3 - <<'PYTHON'
import struct

image = open("v2.cloop", "rb").read()
blocks = struct.unpack_from(">I", image, 132)[0]
index = struct.unpack_from(">%dQ" % (blocks + 1), image, 136)
header = image[:136].replace(b"V2.0", b"V4.0")
open("first.cloop", "wb").write(header + image[136:])
places = struct.pack(">%dQ" % (blocks + 1), *(at - index[0] for at in index))
open("last.cloop", "wb").write(image[index[0]:index[-1]] + places + header)
PYTHON
	for image in v2 first last; do
		at=0 entries=136
		if [ $image = last ]; then
			at=$(($(stat -c %s last.cloop) - 136))
			entries=$((at - 8 * 49))
		fi
		exits 0 imgcheck -q --data $image.cloop
		cp $image.cloop image.cloop
		overwrite $((entries + 8 * 3)) 40
		exits 0 imgcheck -q --repair --no-undo-file image.cloop
		cmp image.cloop $image.cloop || fail "$image, level $level: not as it was"
		dd if=/dev/zero of=image.cloop bs=1 seek=$at count=136 conv=notrunc status=none
		exits 5 imgcheck -f cloop --salvage -o rest.raw image.cloop >/dev/null
		cmp rest.raw small.raw || fail "$image, level $level: salvaged otherwise"
		rm rest.raw
	done
done
