# SPDX-License-Identifier: LGPL-2.1-or-later
# Streams whose markers or tables are damaged: what the one says of the other brings them back byte for
# byte, and what nobody can know stays as it is.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires python3 --version

make_disk disk.raw $((11 * mib))
truncate -s 70M disk.raw
place disk.raw $((40 * mib)) noise 900000
imgconv -O vmdk -o subformat=streamOptimized disk.raw good.vmdk

cat >damage.py <<'END'
import struct, sys

source, target, kind, how = sys.argv[1:]
f = bytearray(open(source, 'rb').read())
at, grains, markers = 65536, [], {0: [], 1: [], 2: [], 3: []}
while at < len(f):
    value, size, what = struct.unpack_from('<QII', f, at)
    if size:
        grains.append(at)
        at = (at + 12 + size + 511) // 512 * 512
    else:
        markers[what].append(at)
        at += 512 * (1 + value)

def entry(grain):
    """Where the table entry of that grain is."""
    gd, = struct.unpack_from('<Q', f, len(f) - 1024 + 56)
    gt, = struct.unpack_from('<I', f, gd * 512 + grain // 512 * 4)
    return gt * 512 + grain % 512 * 4

def number(i):
    return struct.unpack_from('<Q', f, grains[i])[0] // 128

if kind == 'marker':
    at = {'table': markers[1][0], 'table2': markers[1][1], 'directory': markers[2][0],
          'footer': markers[3][0], 'end': markers[0][0]}[how]
    f[at:at + 16] = b'damaged damage!!'
elif kind == 'lba':
    value = {'odd': 5, 'outside': 1 << 40, 'hole': 25 * 128, 'other': number(9) * 128}[how]
    struct.pack_into('<Q', f, grains[3], value)
elif kind == 'entry':
    for i in {'one': [4], 'first': [0], 'some': [2, 3, 7, len(grains) - 1]}[how]:
        struct.pack_into('<I', f, entry(number(i)), 0)
elif kind == 'lost':                # nobody can know
    if how == 'undecodable':
        struct.pack_into('<I', f, entry(number(4)), 0)
        f[grains[4] + 40] ^= 0xff
    elif how == 'lba':
        struct.pack_into('<Q', f, grains[4], 25 * 128)
        f[grains[4] + 40] ^= 0xff
    elif how == 'two':
        for i in (4, 5):
            struct.pack_into('<I', f, entry(number(i)), 0)
        struct.pack_into('<Q', f, grains[5], number(4) * 128)
    elif how == 'filled':           # their entries lead to another grain, which has many then
        for i in (*range(5), *range(6, 12)):
            struct.pack_into('<I', f, entry(number(i)), grains[5] // 512)
    elif how == 'garbage':          # a marker that nothing tells of
        struct.pack_into('<I', f, entry(number(4)), 0)
        f[grains[4]:grains[4] + 12] = b'\xff' * 12
open(target, 'wb').write(f)
END

for damage in 'marker table' 'marker table2' 'marker directory' 'marker footer' 'marker end' 'lba odd' \
	'lba outside' 'lba hole' 'lba other' 'entry one' 'entry first' 'entry some'; do
	# shellcheck disable=SC2086
	python3 damage.py good.vmdk x.vmdk $damage
	exits 2 imgcheck -q x.vmdk
	exits 0 imgcheck -q --repair --no-undo-file x.vmdk
	cmp x.vmdk good.vmdk || fail "$damage: another file than before"
done

for damage in 'lost undecodable' 'lost lba' 'lost two' 'lost filled' 'lost garbage'; do
	# shellcheck disable=SC2086
	python3 damage.py good.vmdk x.vmdk $damage
	cp x.vmdk before.vmdk
	exits 2 imgcheck -q x.vmdk
	exits 2 imgcheck -q --repair --no-undo-file x.vmdk
	cmp x.vmdk before.vmdk || fail "$damage: it was changed"
done

# QEMU's streams have their tables in front, without markers, and no end.
qemu-img convert -O vmdk -o subformat=streamOptimized disk.raw theirs.vmdk
cp theirs.vmdk x.vmdk
python3 - x.vmdk <<'END'
import struct, sys

with open(sys.argv[1], 'r+b') as f:
    head = f.read(512)
    rgd, gd, overhead = struct.unpack_from('<QQQ', head, 48)
    for place in (rgd, gd):
        f.seek(place * 512)
        f.seek(struct.unpack('<I', f.read(4))[0] * 512 + 8)
        f.write(bytes(4))
    f.seek(overhead * 512)
    f.write(b'\xff' * 8)
END
exits 2 imgcheck -q x.vmdk
exits 0 imgcheck -q --repair --no-undo-file x.vmdk
cmp x.vmdk theirs.vmdk || fail "QEMU's stream: another file than before"
judged x.vmdk disk.raw "QEMU's stream, repaired"
