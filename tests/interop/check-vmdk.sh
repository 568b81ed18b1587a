# SPDX-License-Identifier: LGPL-2.1-or-later
# What qemu-img writes is clean for imgcheck in every layout; what qemu-img check finds, imgcheck does;
# and what imgcheck has repaired is clean for qemu-img and holds the same disk.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires qemu-io --version
requires python3 --version

python3 -c 'import random, sys
r = random.Random(3)
sys.stdout.buffer.write(b"".join(r.randbytes(60000) + bytes(200000) for _ in range(40)))' >disk.raw
truncate -s 80M disk.raw
for subformat in monolithicSparse monolithicFlat twoGbMaxExtentSparse twoGbMaxExtentFlat \
	streamOptimized; do
	qemu-img convert -O vmdk -o subformat=$subformat disk.raw $subformat.vmdk
	exits 0 imgcheck --data -q $subformat.vmdk
done
# Nor is an empty disk damaged, whose stream has no marker.
truncate -s 80M empty.raw
qemu-img convert -O vmdk -o subformat=streamOptimized empty.raw empty.vmdk
exits 0 imgcheck -q empty.vmdk
qemu-img create -q -f vmdk -o zeroed_grain=on used.vmdk 80M
qemu-io -c 'write -P 1 0 3M' -c 'write -z 1M 1M' -c 'write -P 2 70M 1M' used.vmdk >/dev/null
exits 3 imgcheck --data -q used.vmdk	# it leaves behind what was there before zeros
qemu-img create -q -f vmdk -F vmdk -b monolithicSparse.vmdk over.vmdk
exits 0 imgcheck -q over.vmdk
qemu-io -c 'write -P 3 0 64k' monolithicSparse.vmdk >/dev/null
exits 2 imgcheck over.vmdk >out
grep -q 'image.mismatch' out || fail "$(cat out)"

# damage SEED SIDE...: some entries in the tables of these sides lead out of the file.
damage() {
	python3 - "$@" <<'PY'
import random, struct, sys
r = random.Random(int(sys.argv[1]))
with open("x.vmdk", "r+b") as f:
    head = f.read(72)
    f.seek(0, 2)
    end = f.tell() // 512
    def table(side):
        f.seek(struct.unpack("<Q", head[{"first": 56, "second": 48}[side]:][:8])[0] * 512)
        return struct.unpack("<I", f.read(4))[0] * 512
    f.seek(table("first"))
    used = [i for i, place in enumerate(struct.unpack("<512I", f.read(2048))) if place]
    for entry in r.sample(used, r.randint(1, 5)):
        value = end + r.randrange(1 << 30)
        for side in sys.argv[2:]:
            f.seek(table(side) + entry * 4)
            f.write(struct.pack("<I", value))
PY
}
qemu-img convert -O vmdk disk.raw good.vmdk
for seed in $(seq 1 15); do
	cp good.vmdk x.vmdk
	damage "$seed" first second
	! qemu-img check -f vmdk x.vmdk >/dev/null 2>&1 || fail "seed $seed: no damage"
	exits 2 imgcheck -q x.vmdk
	for side in first second; do
		cp good.vmdk x.vmdk
		damage "$seed" $side
		exits 2 imgcheck -q x.vmdk
		exits 0 imgcheck -q --repair --no-undo-file x.vmdk
		qemu-img check -q -f vmdk x.vmdk || fail "seed $seed, $side: qemu-img finds more"
		same "Images are identical." "$(qemu-img compare disk.raw x.vmdk)" \
			"the repaired disk, seed $seed, $side"
		cmp -s good.vmdk x.vmdk || fail "seed $seed, $side: another file than before"
	done
done
