# SPDX-License-Identifier: LGPL-2.1-or-later
# --dedup stores equal clusters once, whatever the number of threads; QEMU finds nothing wrong, sees the
# same disk, and a write to one of them does not change the others.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires qemu-io --version
requires jq --version

# 40 pieces of 64k of four kinds: text of which each is different, and noise, which stays plain.
for kind in 0 1 2; do
	seq "${kind}0000" 99999 >"piece.$kind"
	truncate -s 64k "piece.$kind"
done
dd if=/dev/urandom of=piece.4 bs=64k count=1 status=none
dd if=/dev/urandom of=piece.5 bs=64k count=1 status=none
for i in $(seq 0 39); do
	cat "piece.$((i * i % 7 % 6))"
done >disk.raw
cat piece.5 piece.4 piece.5 piece.0 >>disk.raw
head -c 1000 piece.5 >>disk.raw
truncate -s 3100000 disk.raw
cat piece.0 >>disk.raw

# once NAME ARG...: it is right, and small, and how many bytes are shared goes to $shared.
once() {
	local name=$1
	shift

	shared=$(imgcompress --output=json --dedup "$@" disk.raw "$name" | jq .shared)
	qemu-img check -q "$name" || fail "$(qemu-img check "$name")"
	imgcheck -q --data "$name" || fail "imgcheck: $name"
	qemu-img compare -q disk.raw "$name" || fail "another disk: $name"
	imgcmp -q disk.raw "$name" || fail "another disk for us: $name"
}

once one.qcow2 --threads=1
[ "$shared" -ge $((37 * 65536)) ] || fail "only $shared bytes are shared"
[ "$(stat -c %s one.qcow2)" -lt 800000 ] || fail "it is not small: $(stat -c %s one.qcow2)"
once seven.qcow2 --threads=7
cmp one.qcow2 seven.qcow2
once zstd.qcow2 --codec=zstd
once small.qcow2 -o cluster_size=4k
once narrow.qcow2 -o refcount_bits=2
once old.qcow2 -o compat=0.10
# What was compressed already is compressed again, so that it is equal where its content is.
imgcompress disk.raw packed.qcow2
imgcompress --dedup packed.qcow2 taken.qcow2
cmp one.qcow2 taken.qcow2
# With the smallest counts nothing can be.
once least.qcow2 -o refcount_bits=1
same 0 "$shared" "shared with counts of one bit"

# A write to one of many: the first, the last, a compressed and a plain one.
for at in 0 $((4 * 65536)) $((40 * 65536)) $((41 * 65536)) $((42 * 65536)); do
	cp disk.raw want.raw
	cp one.qcow2 written.qcow2
	qemu-io -f raw -c "write -P 9 $((at + 100)) 50" want.raw >/dev/null
	qemu-io -c "write -P 9 $((at + 100)) 50" written.qcow2 >/dev/null
	# When one of two plain clusters goes away QEMU does not give the other its flag back.
	problems=$(qemu-img check -q written.qcow2 2>&1 |
		grep -v '^ERROR OFLAG_COPIED data cluster: l2_entry=[0-9a-f]* refcount=1$' || true)
	same "" "$problems" "problems after a write at $at"
	qemu-img compare -q want.raw written.qcow2 || fail "others have changed with $at"
done

exits 63 imgcompress --dedup -O vmdk disk.raw no.vmdk 2>err
grep -q "vmdk images hold each unit in its own place" err || fail "$(cat err)"
