# SPDX-License-Identifier: LGPL-2.1-or-later
# A file that is taken for raw although something speaks against it: said on standard error, and not
# copied, unless -f says that it is meant.
. "$srcdir/tests/functions.sh"

dd if=/dev/urandom of=disk.raw bs=64k count=4 status=none
imgconv disk.raw disk.qcow2
dd if=/dev/zero of=disk.qcow2 bs=512 count=1 conv=notrunc status=none
mv disk.qcow2 disk.img
exits 1 imgconv disk.img out.raw 2>err
grep -q '^imgconv: disk.img: is not copied: it looks like raw, but' err || fail "zeroed header: $(cat err)"
exits 1 imgcompress disk.img out.qcow2 2>err
grep -q '^imgcompress: disk.img: is not copied' err || fail "zeroed header, compressed: $(cat err)"
[ ! -e out.raw ] && [ ! -e out.qcow2 ] || fail "a copy of what is in doubt"
imgmap disk.img 2>err >/dev/null
grep -q '^imgmap: warning: disk.img: read as raw, but' err || fail "zeroed header, mapped: $(cat err)"
imgconv -f raw disk.img out.raw 2>err
[ ! -s err ] || fail "-f raw was not enough: $(cat err)"
mv disk.raw disk.qcow2
imginfo disk.qcow2 2>err >/dev/null
grep -q '^imginfo: warning: disk.qcow2: ' err || fail "name of another format: $(cat err)"

# An image of a format that nothing here knows is not copied as if its bytes were the disk.
for kind in VHD/vpc VHD/vpc,subformat=fixed VHDX/vhdx Parallels/parallels QED/qed; do
	format=${kind#*/} options=${kind#*,}
	[ "$options" = "$kind" ] && options=
	qemu-img create -q -f "${format%%,*}" ${options:+-o $options} foreign 8M
	exits 63 imgconv foreign out2.raw 2>err
	grep -q "^imgconv: foreign: looks like a ${kind%%/*} image" err || fail "$kind: $(cat err)"
	exits 63 eval 'cat foreign | imgconv -O raw - out2.raw' 2>err
	grep -q "looks like a ${kind%%/*} image" err || fail "$kind through a pipe: $(cat err)"
	[ ! -e out2.raw ] || fail "$kind: there is an output"
	imgconv -f raw -O raw foreign out3.raw
	cmp foreign out3.raw || fail "$kind: -f raw does not take the bytes"
done
