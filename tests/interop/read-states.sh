# SPDX-License-Identifier: LGPL-2.1-or-later
# Images in states that only a life with a guest gives them: zero clusters, discards, mixed plain
# and compressed clusters, an unclean end with lazy refcounts.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

# agree IMAGE
agree() {
	qemu-img convert -U -O raw "$1" want.raw
	same "$(hash_of cat want.raw)" "$(hash_content "$1")" "content of $1"
}

make_disk disk.raw $((11 * mib))

for options in cluster_size=4k cluster_size=64k,compat=0.10 extended_l2=on,cluster_size=16k \
	compression_type=zstd; do
	rm -f used.qcow2
	qemu-img convert -c -f raw -O qcow2 -o $options disk.raw used.qcow2
	qemu-io -c 'write -P 1 100k 300k' -c 'write -z 1M 1M' -c 'write -z -u 2500k 100k' \
		-c 'discard 4M 1M' -c 'write -P 7 4200k 3k' -c 'write -z 8193k 66k' \
		used.qcow2 >/dev/null
	agree used.qcow2
done

qemu-img create -q -f qcow2 -o lazy_refcounts=on dirty.qcow2 8M
qemu-io -c 'write -P 3 1M 2M' -c 'sigraise 9' dirty.qcow2 >/dev/null 2>&1 || true
qemu-img info dirty.qcow2 >info.txt
agree dirty.qcow2
