# SPDX-License-Identifier: LGPL-2.1-or-later
# qcow2 images as qemu-img writes them, with each creation option: we read the same disk.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

make_disk disk.raw $((11 * mib + 12345))
want=$(hash_padded disk.raw)

# reads FLAGS OPTIONS
reads() {
	rm -f image.qcow2 image.data
	# shellcheck disable=SC2086
	qemu-img convert $1 -f raw -O qcow2 -o "$2" disk.raw image.qcow2
	same "$want" "$(hash_content image.qcow2)" "content: qemu-img convert $1 -o $2"
}

for compat in 0.10 1.1; do
	for cluster in 512 4k 64k 2M; do
		reads '' compat=$compat,cluster_size=$cluster
		reads -c compat=$compat,cluster_size=$cluster
	done
done
for bits in 1 2 4 8 32 64; do
	reads '' refcount_bits=$bits,cluster_size=4k
done
for cluster in 512 4k 64k 2M; do
	reads -c compression_type=zstd,cluster_size=$cluster
done
for cluster in 16k 64k 2M; do
	reads '' extended_l2=on,cluster_size=$cluster
	reads -c extended_l2=on,cluster_size=$cluster
done
reads '' data_file=image.data
reads '' data_file=image.data,data_file_raw=on
reads '' data_file=image.data,extended_l2=on,cluster_size=16k
for how in metadata falloc full; do
	reads '' preallocation=$how
	reads '' preallocation=$how,extended_l2=on
	reads '' preallocation=$how,cluster_size=4k,compat=0.10
done
reads '' lazy_refcounts=on
reads -S0 cluster_size=4k
