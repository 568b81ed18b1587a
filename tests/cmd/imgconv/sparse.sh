# SPDX-License-Identifier: LGPL-2.1-or-later
# -S: zeros are left out by default, less of them with a larger size, and none with 0.
. "$srcdir/tests/functions.sh"

# 64 KiB of content, 8 KiB of zeros, 64 KiB of content, written zeros up to 1 MiB.
{
	head -c 65536 /dev/urandom
	head -c 8192 /dev/zero
	head -c 65536 /dev/urandom
	head -c $((1048576 - 139264)) /dev/zero
} >disk.raw
blocks() {
	sync "$1"
	echo $(($(stat -c '%b' "$1") * 512))
}
imgconv disk.raw a.raw
[ "$(blocks a.raw)" -le 131072 ] || skip "this file system keeps no small holes"
imgconv -S 64k disk.raw b.raw
same 196608 "$(blocks b.raw)" "-S 64k leaves out 64k at a time, and only where all are zeros"
imgconv -S 0 disk.raw c.raw
[ "$(blocks c.raw)" -ge 1048576 ] || fail "-S 0 left something out"
truncate -s 1M empty.raw
imgconv -S 0 empty.raw d.raw
[ "$(blocks d.raw)" -ge 1048576 ] || fail "-S 0 left a hole out"
for f in a b c; do cmp disk.raw $f.raw; done
