# SPDX-License-Identifier: LGPL-2.1-or-later
# --all lists every range that differs, to the byte.
. "$srcdir/tests/functions.sh"

head -c 3M /dev/zero >a.raw
cp a.raw b.raw
printf 'xx' | dd of=b.raw bs=1 seek=5 conv=notrunc status=none
# Over the border of two windows of the comparison.
head -c 100 /dev/zero | tr '\0' y | dd of=b.raw bs=1 seek=$((1048576 - 50)) conv=notrunc status=none
exits 1 imgcmp --all --output=json a.raw b.raw >out
same '[{"start":5,"length":2},{"start":1048526,"length":100}]' \
	"$(jq -c '."differing-extents"' out)" "ranges"
same '[102,5,false]' "$(jq -c '[.differing, ."first-difference", .same]' out)" "sums"
exits 1 imgcmp --all a.raw b.raw >out
same '2 bytes from 5 on differ
100 bytes from 1048526 on differ
The images differ in 102 bytes, the first at 5.' "$(cat out)" "sentences"
