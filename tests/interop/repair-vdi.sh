# SPDX-License-Identifier: LGPL-2.1-or-later
# Repairs of VDI images beside qemu-img: what imgcheck calls repaired has no error there either, holds
# the same bytes as before the damage, and comes back bit by bit from its undo file.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires python3 --version

python3 - <<'PYTHON'
import random
random.seed(6)
with open("s.raw", "wb") as f:
    for _ in range(24):
        f.write(random.randbytes(4096) * 256 if random.random() < .7 else bytes(1 << 20))
PYTHON

# damage KIND NUMBER: x.vdi is good.vdi with a fault.
damage() {
	rm -f x.vdi*
	python3 - "$1" "$2" <<'PYTHON'
import random
import struct
import sys

kind = sys.argv[1]
random.seed(int(sys.argv[2]))
image = bytearray(open("good.vdi", "rb").read())
map_at, blocks, allocated = (struct.unpack_from("<I", image, at)[0] for at in (340, 384, 388))
entries = struct.unpack_from("<%dI" % blocks, image, map_at)
used = [i for i, entry in enumerate(entries) if entry < blocks]


def put(index, entry):
    struct.pack_into("<I", image, map_at + 4 * index, entry)


index = random.choice(used)
if kind == "high":  # a bit that no number of a block has
    put(index, entries[index] ^ 1 << random.randrange(8, 31))
elif kind == "noise":
    put(index, random.randrange(1 << 20, 1 << 30))
elif kind == "doubled":  # in the middle of a run
    index = random.choice([i for i in used if {i - 1, i - 2, i + 1} <= set(used)])
    put(index, entries[index - 1])
elif kind == "free":
    index = random.choice([i for i in range(blocks) if i not in used])
    put(index, 0xFFFFFFFF ^ 1 << random.randrange(4, 32))
elif kind == "low":
    struct.pack_into("<I", image, 388, random.randrange(allocated))
elif kind == "many":
    struct.pack_into("<I", image, 388, allocated + random.randrange(1, 1 << 20))
elif kind == "header":  # a bit of what says where things lie
    field = random.choice((76, 340, 344, 376, 380, 384))
    bits = (3, 4, 5) if field == 76 else range(9, 24)
    struct.pack_into("<I", image, field,
                     struct.unpack_from("<I", image, field)[0] ^ 1 << random.choice(bits))
elif kind == "map-zeroed":
    image[map_at:map_at + 4 * blocks] = bytes(4 * blocks)
elif kind == "map-random":
    image[map_at:map_at + 4 * blocks] = random.randbytes(4 * blocks)
else:
    sys.exit("no such kind")
open("x.vdi", "wb").write(image)
PYTHON
}

content() {
	qemu-img convert -f vdi -O raw "$1" out.raw && sha256sum <out.raw
}

# repaired WHAT: x.vdi can be repaired to hold what good.vdi does.
repaired() {
	local old

	old=$(sha256sum <x.vdi)
	! imgcheck -q x.vdi >out 2>&1 || fail "$1: no damage"
	imgcheck --repair x.vdi >out 2>&1 || fail "$1: $(tail -n 5 out)"
	qemu-img check -f vdi x.vdi >out 2>&1 || fail "$1: qemu-img: $(tail -n 5 out)"
	same "$good" "$(content x.vdi)" "$1: content"
	imgcheck --undo x.vdi.undo || fail "$1: undo"
	same "$old" "$(sha256sum <x.vdi)" "$1: bytes after undo"
}

# kinds WHAT KIND...: good.vdi with each of these.
kinds() {
	local what=$1 kind seed

	shift
	good=$(content good.vdi)
	for kind; do
		for seed in 1 2 3; do
			damage "$kind" $seed
			repaired "$what $kind $seed"
		done
	done
}

qemu-img convert -f raw -O vdi s.raw good.vdi
kinds dynamic high noise doubled free low many header
imgconv -q -f raw -O vdi s.raw good.vdi
kinds "dynamic, of ours" high noise doubled free low many header
qemu-img convert -f raw -O vdi -o static=on s.raw good.vdi
kinds static high noise map-zeroed map-random low many header
