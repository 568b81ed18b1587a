# SPDX-License-Identifier: LGPL-2.1-or-later
# qcow2 images that imgconv writes, with each creation option: qemu-img finds them clean and reads
# the same disk.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

# writes FLAGS OPTIONS
writes() {
	rm -f image.qcow2 image.data
	# shellcheck disable=SC2086
	imgconv $1 -o "$2" disk.raw image.qcow2
	judged image.qcow2 disk.raw "imgconv $1 -o $2"
	has_options image.qcow2 "$2"
}

make_disk disk.raw $((11 * mib + 12345))
for compat in 0.10 1.1; do
	for cluster in 512 4k 64k 2M; do
		writes '' compat=$compat,cluster_size=$cluster
		writes -c compat=$compat,cluster_size=$cluster
	done
done
for bits in 1 2 4 8 16 32 64; do
	writes '' refcount_bits=$bits,cluster_size=4k
	writes '' refcount_bits=$bits
done
for bits in 4 64; do
	writes -c refcount_bits=$bits,cluster_size=64k
done
for cluster in 512 4k 64k 2M; do
	writes -c compression_type=zstd,cluster_size=$cluster
done
for cluster in 16k 64k 2M; do
	writes '' extended_l2=on,cluster_size=$cluster
	writes -c extended_l2=on,cluster_size=$cluster
done
for level in 1 6 12; do
	writes -c compression_level=$level
done
writes -c compression_type=zstd,compression_level=19,cluster_size=2M
writes -c deflate_window=12
writes -c deflate_window=12,compression_level=9,cluster_size=2M
writes '' data_file=image.data
writes '' data_file=image.data,data_file_raw=on
cmp -n $((11 * mib + 12345)) image.data disk.raw || fail "a raw data file is not the raw disk"
writes '' data_file=image.data,extended_l2=on
for how in metadata falloc full; do
	writes '' preallocation=$how
	writes '' preallocation=$how,extended_l2=on
	writes '' preallocation=$how,cluster_size=4k,refcount_bits=8
	writes '' preallocation=$how,compat=0.10
	writes '' preallocation=$how,data_file=image.data
done
writes '' lazy_refcounts=on
writes '-S 0' cluster_size=4k
writes '-S 64k' cluster_size=4k
