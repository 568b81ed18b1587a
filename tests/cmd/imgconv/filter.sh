# SPDX-License-Identifier: LGPL-2.1-or-later
# --filter compresses the target's file as a whole; the tools of each kind are the judges.
. "$srcdir/tests/functions.sh"
requires zstd --version
requires lz4 --version

seq 90000 >disk.raw
truncate -s 4M disk.raw
imgconv disk.raw disk.qcow2

for filter in gzip xz zstd lz4; do
	imgconv --filter "$filter" -O raw disk.qcow2 packed
	"$filter" -dc <packed | cmp - disk.raw || fail "$filter: another disk"
	imgconv --filter "$filter" -O raw disk.qcow2 - >again
	cmp packed again || fail "$filter: to a pipe it is not the same"
	imgcmp -q packed disk.raw
done
# What cannot go out front to back is collected first.
imgconv --filter zstd -O qcow2 -c disk.raw packed
zstd -qdc <packed >out.qcow2
imgcmp -q out.qcow2 disk.raw
imgcheck -q out.qcow2

exits 1 imgconv --filter bzip9 -O raw disk.qcow2 none 2>said && grep -q 'no filter "bzip9"' said
exits 1 imgconv --filter xz -n -O raw disk.qcow2 packed 2>said && grep -q 'in place' said
[ ! -e none ] || fail "a target is left"
cp packed before && exits 1 imgconv --filter xz -O raw disk.qcow2 /dev/full 2>/dev/null
exits 4 imgconv --filter xz -O raw <(head -c 70000 out.qcow2) packed 2>/dev/null
cmp packed before || fail "a target that was not complete has taken the place of another"
