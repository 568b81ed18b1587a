# SPDX-License-Identifier: LGPL-2.1-or-later
# Empty images from imgcreate: clean, of the options asked for, and fit to be written to by QEMU.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version
requires qemu-io --version

# creates SIZE OPTIONS
creates() {
	rm -f image.qcow2 image.data
	imgcreate -o "$2" image.qcow2 "$1"
	clean image.qcow2
	has_options image.qcow2 "$2"
	same "$(numfmt --from=iec "$1")" "$(jq '."virtual-size"' info.json)" "size, $2"
	[ "$1" != 0 ] || return 0
	qemu-io -c 'write -P 1 0 1M' -c 'write -P 2 37M 100k' -c 'write -z 0 4k' image.qcow2 >/dev/null
	clean image.qcow2
	qemu-io -c 'read -P 1 4k 1020k' -c 'read -P 2 37M 100k' -c 'read -P 0 2M 1M' \
		-c 'read -P 0 0 4k' image.qcow2 >io.txt || fail "QEMU cannot read an image with $2"
	! grep -q 'Pattern verification failed' io.txt || fail "wrong content in an image with $2"
}

for compat in 0.10 1.1; do
	for cluster in 512 4k 64k 2M; do
		creates 64M compat=$compat,cluster_size=$cluster
	done
done
for bits in 1 8 64; do
	creates 64M refcount_bits=$bits
done
creates 64M extended_l2=on
creates 64M extended_l2=on,cluster_size=16k,preallocation=metadata
creates 64M data_file=image.data
creates 64M data_file=image.data,data_file_raw=on
creates 64M lazy_refcounts=on
creates 64M compression_type=zstd
for how in metadata falloc full; do
	creates 64M preallocation=$how
	creates 64M preallocation=$how,cluster_size=4k,refcount_bits=1
done
creates 10T cluster_size=64k
creates 10T cluster_size=2M,extended_l2=on
creates 0 cluster_size=64k

make_disk base.raw $((11 * mib + 512))
imgcreate -b base.raw -F raw over.qcow2
judged over.qcow2 base.raw "an empty image over another"
imgcreate plain.raw $((3 * mib + 1))
same $((3 * mib + 1)) "$(stat -c %s plain.raw)" "size of a raw image"
