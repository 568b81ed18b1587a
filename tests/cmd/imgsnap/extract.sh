# SPDX-License-Identifier: LGPL-2.1-or-later
# A snapshot becomes an image of its own, of any format.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires qemu-io --version

qemu-img create -q -f qcow2 vm.qcow2 8M
qemu-io -c 'write -P 1 0 1M' vm.qcow2 >/dev/null
qemu-img snapshot -c before vm.qcow2
qemu-img convert -O raw vm.qcow2 want.raw
qemu-img resize -q vm.qcow2 12M
qemu-io -c 'write -P 2 0 2M' vm.qcow2 >/dev/null

imgsnap extract vm.qcow2 before - -O raw | cmp - want.raw || fail "a pipe"
imgsnap extract vm.qcow2 1 small.qcow2 -o cluster_size=4k
qemu-img check -q small.qcow2
[ "$(qemu-img info small.qcow2 | grep -c 'cluster_size: 4096')" = 1 ] || fail "-o"
for target in small.qcow2 disk.vmdk disk.vdi; do
	imgsnap extract vm.qcow2 before $target
	qemu-img compare -q $target want.raw -F raw || fail $target
done
exits 1 imgsnap extract vm.qcow2 none out.raw 2>/dev/null
[ ! -e out.raw ] || fail "a target is left"
exits 1 imgsnap extract vm.qcow2 before vm.qcow2 2>message
grep -q 'same file' message || fail "$(cat message)"
