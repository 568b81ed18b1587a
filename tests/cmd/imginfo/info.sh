# SPDX-License-Identifier: LGPL-2.1-or-later
# The members that qemu-img info has, with the same values.
. "$srcdir/tests/functions.sh"
requires qemu-img --version

qemu-img create -q -f qcow2 -o cluster_size=128k base.qcow2 5M
qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 top.qcow2
members='{filename, format, "virtual-size": ."virtual-size", "cluster-size": ."cluster-size",
	"backing-filename": ."backing-filename",
	"backing-filename-format": ."backing-filename-format",
	"full-backing-filename": ."full-backing-filename"}'
for image in base.qcow2 top.qcow2; do
	want=$(qemu-img info --output=json $image | jq -S "$members")
	same "$want" "$(imginfo --output=json $image | jq -S "$members")" "$image"
done
chain=$(imginfo --chain --output=json top.qcow2 | jq -c '[.chain[].filename]')
same '["top.qcow2","base.qcow2"]' "$chain" "--chain"
several=$(imginfo --output=json top.qcow2 base.qcow2 | jq -c '[.images[].filename]')
same '["top.qcow2","base.qcow2"]' "$several" "several files"
rm base.qcow2
imginfo top.qcow2 >/dev/null
exits 1 imginfo --chain top.qcow2 >out 2>/dev/null
