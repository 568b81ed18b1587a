# SPDX-License-Identifier: LGPL-2.1-or-later
# What goes into a pipe from one snapshot to another is a difference of RBD, and patch makes of it the
# disk and the snapshot that it speaks of.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires qemu-io --version

qemu-img create -q -f qcow2 vm.qcow2 8M
qemu-io -c 'write -P 1 0 1M' -c 'write -P 2 3M 300k' vm.qcow2 >/dev/null
imgsnap create vm.qcow2 first
qemu-io -c 'write -P 3 64k 64k' -c 'write -z 3M 64k' -c 'write -P 4 5M 1300k' vm.qcow2 >/dev/null
imgsnap create vm.qcow2 second

imgsnap diff vm.qcow2 1 second | cat >stream
same "rbd diff v1" "$(head -n 1 stream)" "what goes into a pipe"
imgsnap diff vm.qcow2 first 2 --data=file --data-format=rbd
cmp stream file || fail "a file is another one"
for more in --output=human --output=json; do
	imgsnap diff vm.qcow2 1 2 $more | grep -q "rbd diff" && fail "a stream in spite of $more"
done
imgsnap diff vm.qcow2 first . | grep -q Offset || fail "the disk as it is gives no list"

imgsnap extract vm.qcow2 first copy.qcow2
exits 1 imgsnap patch copy.qcow2 stream 2>message
grep -q '"first"' message || fail "what is missing is not said: $(cat message)"
imgsnap create copy.qcow2 first
cp copy.qcow2 kept.qcow2
head -c 1200000 stream | exits 4 imgsnap patch copy.qcow2 - 2>message
cmp copy.qcow2 kept.qcow2 || fail "changed by a stream that was cut off"
exits 0 imgsnap patch -q --dry-run copy.qcow2 stream
imgsnap patch -q copy.qcow2 - <stream
qemu-img compare -q copy.qcow2 vm.qcow2 || fail "not the same"
qemu-img check -q copy.qcow2
same "first second" "$(imgsnap list copy.qcow2 | awk 'NR > 1 { print $NF }' | xargs)" "snapshots"
qemu-img convert -O raw -l second copy.qcow2 second.raw
qemu-img compare -q second.raw vm.qcow2 || fail "the snapshot shows something else"
exits 1 imgsnap patch copy.qcow2 stream 2>message
grep -q '"second".*--force' message || fail "it may go on twice: $(cat message)"
exits 0 imgsnap patch -q --force copy.qcow2 stream

# A format without snapshots gets what is in them, and another size if need be.
for format in raw vmdk vdi; do
	imgsnap extract vm.qcow2 first copy.$format
	imgsnap patch -q copy.$format - <stream
	qemu-img compare -q -f $format copy.$format vm.qcow2 || fail "$format"
done
truncate -s 10M second.raw
imgsnap diff -f raw second.raw . . --from=copy.raw --from-format=raw --data-format=rbd --data=longer
imgsnap patch -q -f raw copy.raw longer
cmp second.raw copy.raw || fail "the size"

exits 1 imgsnap diff vm.qcow2 1 2 --data-format=rbd 2>/dev/null
