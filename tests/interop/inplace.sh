# SPDX-License-Identifier: LGPL-2.1-or-later
# Raw becomes qcow2 in place and comes back, by undoing and by the general way; a qcow2 that QEMU wrote
# in any order becomes raw; QEMU and e2fsck see the same disk before and after.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires mkfs.ext4 -V
PATH=$PATH:/sbin:/usr/sbin

# Its length is no whole number of sectors, nor of clusters.
make_disk disk.raw $((12 * mib + 1234))
truncate -s 40M fs.raw
mkfs.ext4 -q -F -d "$srcdir/lib/copy" fs.raw

there_and_back() {
	cp --sparse=always "$1" work.raw
	imgconv -q --in-place -O qcow2 -o "$2" work.raw
	judged work.raw "$1" "$1 in place, $2"
	cp -p work.raw back.raw
	imgconv -q --in-place --undo work.raw
	cmp "$1" work.raw
	imgconv -q --in-place -O raw back.raw
	same "$(hash_padded "$1")" "$(hash_of cat back.raw)" "$1 and back, $2"
}

for options in cluster_size=64k cluster_size=512 cluster_size=2M compat=0.10 refcount_bits=1 \
	extended_l2=on,cluster_size=16k; do
	there_and_back disk.raw $options
done
there_and_back fs.raw cluster_size=4k
e2fsck -fn work.raw >/dev/null 2>&1 || fail "e2fsck finds fault with what came back"

# Only tables are added: two clusters of each kind, and the first cluster has moved.
cp --sparse=always fs.raw work.raw
before=$(stat -c %b work.raw)
imgconv -q --in-place -O qcow2 work.raw
[ $((($(stat -c %b work.raw) - before) / 2)) -le $((6 * 64)) ] || fail "it takes more than its tables"

# scattered OPTIONS BYTES SEED: written by QEMU in an order of its own, with zeros and discards.
scattered() {
	local i at len kind commands=()

	RANDOM=$3
	qemu-img create -q -f qcow2 -o "$1" image.qcow2 "$2"
	for ((i = 0; i < 60; i++)); do
		at=$(((RANDOM * 32768 + RANDOM) % ($2 / 512) * 512))
		len=$(((1 + RANDOM % 200) * 512))
		[ $((at + len)) -le "$2" ] || len=$(($2 - at))
		kind=("write -P $((i + 1))" "write -P $((i + 1))" "write -z" "write -z -u" discard)
		commands+=(-c "${kind[RANDOM % 5]} $at $len")
	done
	qemu-io -d unmap -f qcow2 "${commands[@]}" image.qcow2 >/dev/null
	qemu-img convert -f qcow2 -O raw image.qcow2 whole.raw
	imgconv -q --in-place -O raw image.qcow2
	cmp whole.raw image.qcow2 || fail "$1, $2, $3: another disk"
}

scattered cluster_size=512 $mib 1
scattered cluster_size=4k $((8 * mib)) 2
scattered cluster_size=64k $((8 * mib + 512)) 3
scattered cluster_size=64k,extended_l2=on $((8 * mib)) 4
scattered cluster_size=4k,preallocation=full,refcount_bits=64 $((4 * mib)) 5
scattered cluster_size=2M,lazy_refcounts=on $((24 * mib)) 6

# A snapshot would be lost.
qemu-img create -q -f qcow2 image.qcow2 $mib
qemu-img snapshot -c one image.qcow2
exits 63 imgconv -q --in-place -O raw image.qcow2 2>err
grep -q "imgconv -l" err || fail "it does not say what helps: $(cat err)"
