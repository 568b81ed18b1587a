# SPDX-License-Identifier: LGPL-2.1-or-later
# A snapshot of each format becomes what the disk is now by a patch that crosses a pipe, and a patch
# that is damaged on its way changes nothing.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires qemu-io --version

qemu-img create -q -f qcow2 vm.qcow2 32M
qemu-io -c 'write -P 1 0 1M' -c 'write -P 2 10M 300k' vm.qcow2 >/dev/null
qemu-img snapshot -c before vm.qcow2
qemu-io -c 'write -P 3 64k 64k' -c 'write -z 10M 64k' -c 'write -P 4 20M 1300k' vm.qcow2 >/dev/null
imgsnap diff vm.qcow2 before . --data=patch

# Whatever comes of it, the image is the same file with the same bytes.
refused() {
	local status=$1

	shift
	cp --sparse=always "$image" kept
	exits "$status" "$@" 2>message
	cmp "$image" kept || fail "changed: $*: $(cat message)"
	[ ! -e "$image".journal ] || fail "a journal is left: $*"
}

for format in raw qcow2 vmdk vdi; do
	image=copy.$format
	imgsnap extract vm.qcow2 before $image -O $format
	refused 0 imgsnap patch -q --dry-run $image patch
	head -c 1000000 patch | refused 4 imgsnap patch $image -
	(head -c 1200000 patch; printf x; tail -c +1200002 patch) |
		refused 1 imgsnap patch $image -
	(cat patch; printf x) | refused 1 imgsnap patch $image -
	imgsnap diff vm.qcow2 before . --data=- | imgsnap patch -q $image -
	qemu-img compare -q -f $format -F qcow2 $image vm.qcow2 || fail "$format is not the same"
	refused 1 imgsnap patch $image patch
	grep -q -- --force message || fail "how to force it is not said: $(cat message)"
	[ $format = raw ] || [ $format = vmdk ] || qemu-img check -q -f $format $image
done

# Each record is a place where a stream may end.
image=copy.raw
imgsnap extract vm.qcow2 before $image
for at in 0 36 59 131096 $(($(stat -c %s patch) - 48)) $(($(stat -c %s patch) - 1)); do
	head -c "$at" patch >cut
	refused 4 imgsnap patch $image cut
done
refused 1 imgsnap patch $image vm.qcow2

# The way back, and a size that changes.
imgsnap diff vm.qcow2 . before --data=back
imgsnap patch -q vm.qcow2 back
qemu-img compare -q vm.qcow2 copy.raw -F raw || fail "the way back"
qemu-img check -q vm.qcow2
for size in 40M 19M; do
	qemu-img convert -O qcow2 -l before vm.qcow2 sized.qcow2
	qemu-img resize -q --shrink sized.qcow2 $size
	qemu-io -c 'write -P 9 16M 2M' sized.qcow2 >/dev/null
	imgsnap diff sized.qcow2 . . --from=vm.qcow2 --data=patch
	imgsnap extract vm.qcow2 before copy.qcow2
	imgsnap patch -q copy.qcow2 patch
	qemu-img compare -q -s copy.qcow2 sized.qcow2 2>message || {
		qemu-img compare -q copy.qcow2 sized.qcow2
		same "$(qemu-img info sized.qcow2 | grep virtual)" \
			"$(qemu-img info copy.qcow2 | grep virtual)" "size $size"
	}
done

# A bitmap is stored for the new size and again for what is written: the first one leaves nothing behind.
head -c 131072 /dev/urandom >long.raw
head -c 65536 long.raw >short.raw
printf x | dd of=short.raw bs=1 seek=4096 conv=notrunc status=none
imgconv -f raw long.raw marked.qcow2
imgbitmap --add marked.qcow2 changes
imgsnap diff -q -f raw --from=long.raw --from-format=raw --data=patch short.raw . .
imgsnap patch -q marked.qcow2 patch
imgcheck -q marked.qcow2 || fail "a bitmap stored twice: $(imgcheck marked.qcow2)"
qemu-img check -q marked.qcow2
