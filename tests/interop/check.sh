# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcheck and qemu-img check say the same of images that were damaged at random.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires jq --version

# verdict COMMAND...: exit status, corruptions and leaks.
verdict() {
	local status=0

	"$@" --output=json disk.qcow2 >report 2>/dev/null || status=$?
	echo "$status $(jq -r '[.corruptions // 0, .leaks // 0] | join(" ")' report)"
}

# Changes bytes of tables at random; the same seed changes the same ones.
damage() {
	python3 - "$1" disk.qcow2 <<'PY'
import random, struct, sys
random.seed(int(sys.argv[1]))
with open(sys.argv[2], "r+b") as f:
    head = f.read(112)
    bits = struct.unpack(">I", head[20:24])[0]
    l1, reftable = struct.unpack(">QQ", head[40:56])
    f.seek(l1)
    l2 = struct.unpack(">Q", f.read(8))[0] & 0xfffffffffffe00
    f.seek(reftable)
    block = struct.unpack(">Q", f.read(8))[0]
    f.seek(0, 2)
    clusters = f.tell() >> bits
    for _ in range(random.randint(1, 4)):
        kind = random.randrange(4)
        if kind == 0:       # another count
            f.seek(block + random.randrange(clusters) * 2)
            f.write(struct.pack(">H", random.choice([0, 1, 2, 7])))
        elif kind == 1:     # an entry that points elsewhere, or nowhere
            f.seek(l2 + random.randrange(24) * 8)
            f.write(struct.pack(">Q", random.choice([0, random.randrange(4, clusters) << bits])))
        elif kind == 2:     # a flag
            at = l2 + random.randrange(24) * 8
            f.seek(at)
            entry = struct.unpack(">Q", f.read(8))[0]
            if entry & 0xfffffffffffe00:
                f.seek(at)
                f.write(struct.pack(">Q", entry ^ (1 << 63)))
        else:               # beyond the end
            f.seek(l2 + random.randrange(24) * 8)
            f.write(struct.pack(">Q", (clusters + random.randrange(9)) << bits))
PY
}
requires python3 --version

dd if=/dev/urandom of=disk.raw bs=64k count=16 status=none
same_as_qemu=0
for options in cluster_size=4k compat=0.10 cluster_size=64k,extended_l2=on; do
	qemu-img convert -O qcow2 -o $options disk.raw good.qcow2
	qemu-img snapshot -c one good.qcow2
	qemu-io -c 'write 0 200k' good.qcow2 >/dev/null
	for seed in $(seq 1 25); do
		cp good.qcow2 disk.qcow2
		case $options in *extended*) [ "$seed" -le 3 ] || break ;; *) damage "$seed" ;; esac
		ours=$(verdict imgcheck)
		theirs=$(verdict qemu-img check)
		# Counts may differ where several things are wrong with one cluster; verdicts may not.
		same "${theirs%% *}" "${ours%% *}" "$options, seed $seed: $theirs, and ours: $ours"
		[ "$ours" != "$theirs" ] || same_as_qemu=$((same_as_qemu + 1))
	done
done
[ "$same_as_qemu" -gt 45 ] || fail "only $same_as_qemu verdicts have the same numbers"
