# SPDX-License-Identifier: LGPL-2.1-or-later
# Repairs beside qemu-img: what imgcheck calls repaired has no error there either, holds the same
# bytes as before the damage, and comes back bit by bit from its undo file.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires python3 --version

python3 - <<'PYTHON'
import random
random.seed(5)
with open("s.raw", "wb") as f:
    for _ in range(4096):
        f.write(random.randbytes(64) * 64 if random.random() < .7 else bytes(4096))
PYTHON

# make OPTIONS...: a good image, with the content $good.
make() {
	rm -f good.qcow2*
	qemu-img convert -O qcow2 "$@" s.raw good.qcow2 || fail "qemu-img convert $*"
	good=$(content good.qcow2)
}

# damage KIND NUMBER: x.qcow2 is good.qcow2 with a fault.
damage() {
	rm -f x.qcow2*
	python3 - "$1" "$2" <<'PYTHON'
import random
import struct
import sys

kind, random_seed = sys.argv[1], int(sys.argv[2])
random.seed(random_seed)
image = bytearray(open("good.qcow2", "rb").read())


def number(at):
    return struct.unpack(">Q", image[at:at + 8])[0]


def flip(at, bit):
    image[at + 7 - bit // 8] ^= 1 << bit % 8


cluster = 1 << struct.unpack(">I", image[20:24])[0]
l1_at, l1_entries = number(40), struct.unpack(">I", image[36:40])[0]
host = 0x00FFFFFFFFFFFE00
tables = [number(l1_at + 8 * i) & host for i in range(l1_entries)]
reftable_at, reftable_len = number(48), cluster * struct.unpack(">I", image[56:60])[0]
blocks = [at for at in (number(reftable_at + i) for i in range(0, reftable_len, 8)) if at]
step = 16 if number(72) & 16 else 8
used = [at for table in tables for at in range(table, table + cluster, step) if number(at)]
if kind == "outside":  # a place far behind the end, as one bit makes it
    flip(random.choice(used), random.randrange(36, 48))
elif kind == "reserved":
    flip(random.choice(used), random.randrange(56, 62))
elif kind == "l1":
    flip(l1_at + 8 * random.randrange(l1_entries), random.randrange(36, 62))
elif kind == "copied":
    flip(random.choice(used), 63)
elif kind == "refblock-zeroed":
    at = random.choice(blocks)
    image[at:at + cluster] = bytes(cluster)
elif kind == "refblock-random":
    at = random.choice(blocks)
    image[at:at + cluster] = random.randbytes(cluster)
elif kind == "reftable-zeroed":
    image[reftable_at:reftable_at + reftable_len] = bytes(reftable_len)
elif kind == "reftable-random":
    image[reftable_at:reftable_at + reftable_len] = random.randbytes(reftable_len)
elif kind == "reftable-place":
    image[48:56] = struct.pack(">Q", 1 << 40)
else:
    sys.exit("no such kind")
open("x.qcow2", "wb").write(image)
PYTHON
}

content() {
	qemu-img convert -O raw "$1" out.raw && sha256sum <out.raw
}

# repaired WHAT: x.qcow2 can be repaired to hold what good.qcow2 does.
repaired() {
	local old

	old=$(sha256sum <x.qcow2)
	imgcheck --repair x.qcow2 >out 2>&1 || fail "$1: $(tail -n 5 out)"
	qemu-img check x.qcow2 >out 2>&1 || fail "$1: qemu-img: $(tail -n 5 out)"
	same "$good" "$(content x.qcow2)" "$1: content"
	[ ! -e x.qcow2.undo ] || imgcheck --undo x.qcow2.undo || fail "$1: undo"
	same "$old" "$(sha256sum <x.qcow2)" "$1: bytes after undo"
}

for layout in compat=0.10,cluster_size=4k compat=1.1,cluster_size=4k \
		compat=1.1,cluster_size=16k,extended_l2=on; do
	make -o $layout
	for kind in outside reserved l1 refblock-zeroed refblock-random reftable-zeroed \
			reftable-random reftable-place copied; do
		for seed in 1 2; do
			damage $kind $seed
			repaired "$layout $kind $seed"
		done
	done
done
make -c -o cluster_size=4k
for kind in l1 refblock-zeroed refblock-random reftable-zeroed reftable-place; do
	damage $kind 1
	repaired "compressed $kind"
done

# All that the L1 table led to is shared with a snapshot, so that nothing is without a reference when
# entries are lost, the first or all: only the counts know. Lower ones would take the way back.
for lost in 8 64; do
	make -o cluster_size=4k
	qemu-img snapshot -c s good.qcow2
	cp good.qcow2 x.qcow2
	at=$(od -An -tx8 --endian=big -j40 -N8 x.qcow2)
	dd if=/dev/zero of=x.qcow2 bs=1 seek=$((16#${at// /})) count=$lost \
		conv=notrunc status=none
	old=$(sha256sum <x.qcow2)
	imgcheck --repair x.qcow2 >out && fail "an L1 table that lost entries is called clean"
	grep -q 'qcow2[.]l1[.]missing' out || fail "what is lost is not told: $(cat out)"
	same "$old" "$(sha256sum <x.qcow2)" "what only a guess brings back"
	rm -f saved.qcow2
	imgcheck --salvage -q -o saved.qcow2 x.qcow2 || [ $? = 5 ] || fail "salvage"
	same "$good" "$(content saved.qcow2)" "content beside a snapshot"
done
