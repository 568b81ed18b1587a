# SPDX-License-Identifier: LGPL-2.1-or-later
# --deterministic: images of one disk that came about in different ways become the same file.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires qemu-io --version

# written NAME OPTION PIECE...: pieces of 64k in that order, each with its own text.
written() {
	local name=$1 option=$2 piece commands=()
	shift 2

	for piece; do
		seq "$piece" 20000 >"piece.$piece"
		commands+=(-c "write -s piece.$piece $((piece * 100))k 64k")
	done
	qemu-img create -q -f qcow2 -o "$option" "$name" 8M
	qemu-io "${commands[@]}" "$name" >/dev/null
}

written rising.qcow2 cluster_size=64k 3 9 17 40
written falling.qcow2 cluster_size=64k 40 17 9 3
written fine.qcow2 cluster_size=4k 9 3 40 17
# Zeros that were written, and what had been there before.
qemu-io -c 'write -P 5 5M 128k' -c 'write -z 5M 128k' -c 'write -P 0 6M 256k' falling.qcow2 >/dev/null
qemu-img convert -c -O qcow2 falling.qcow2 packed.qcow2
qemu-img create -q -f qcow2 -b rising.qcow2 -F qcow2 overlay.qcow2

for format in qcow2 vmdk cloop; do
	for source in rising falling fine packed overlay; do
		mkdir -p $source
		imgcompress --deterministic $source.qcow2 $source/disk.$format
		cmp rising/disk.$format $source/disk.$format
	done
	imgcmp -q rising.qcow2 rising/disk.$format || fail "another disk: $format"
done

# It is the option that does it.
imgcompress packed.qcow2 packed/disk.qcow2
! cmp -s rising/disk.qcow2 packed/disk.qcow2 || fail "the test shows nothing"
imgcompress rising.qcow2 packed/disk.vmdk
! cmp -s rising/disk.vmdk packed/disk.vmdk || fail "the test shows nothing of identifiers"
