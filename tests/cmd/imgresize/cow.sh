# SPDX-License-Identifier: LGPL-2.1-or-later
# A cow image whose bitmap has holes in the file between pieces with bits: what each of them stands for
# moves, when the bitmap gets longer and when it gets shorter.
. "$srcdir/tests/functions.sh"

truncate -s 2G disk.raw
for at in 0 255 256 1100 2047; do
	printf %s "$at" | dd of=disk.raw bs=1M seek=$at conv=notrunc status=none
done
truncate -s 2G disk.raw
imgconv -q -O cow disk.raw disk.cow
fallocate --dig-holes disk.cow
# So that a piece begins with a hole and goes on with bits.
fallocate --punch-hole --offset 256k --length 16k disk.cow
for size in 64G 2G; do
	imgresize -q -f cow --shrink disk.cow $size
	truncate -s $size disk.raw
	imgcmp -q -f raw -F cow disk.raw disk.cow || fail "other content in $size"
	imgcheck -q -f cow disk.cow || fail "imgcheck in $size: $?"
done
