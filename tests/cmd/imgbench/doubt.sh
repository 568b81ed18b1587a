# SPDX-License-Identifier: LGPL-2.1-or-later
# A file that is taken for raw although something speaks against it is not overwritten, unless -f
# says that this is meant.
. "$srcdir/tests/functions.sh"

imgcreate disk.qcow2 1M
imgbench -q --pattern=write --requests=8 disk.qcow2
dd if=/dev/zero of=disk.qcow2 bs=512 count=1 conv=notrunc status=none
cp disk.qcow2 disk.img
for name in disk.img disk.qcow2; do
	cp "$name" before
	for pattern in write trim rw; do
		exits 1 imgbench --pattern=$pattern --requests=8 "$name" >out 2>err
		grep -q "^imgbench: $name: is not overwritten: it looks like raw, but .*-f says" err ||
			fail "$name, $pattern: $(cat err)"
	done
	cmp before "$name" || fail "$name has changed"
done
imgbench -q --pattern=read --requests=8 disk.img 2>err
grep -q '^imgbench: warning: disk.img: read as raw, but' err || fail "reading: $(cat err)"
imgbench -q -f raw --pattern=write --requests=8 disk.img 2>err
[ ! -s err ] || fail "-f raw was not enough: $(cat err)"
cmp -s before disk.img && fail "-f raw: nothing was written"
exit 0
