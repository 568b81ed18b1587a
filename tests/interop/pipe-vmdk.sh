# SPDX-License-Identifier: LGPL-2.1-or-later
# streamOptimized VMDK images come through a pipe, are read in one pass where that is possible, and
# hold the same as in a file: in order and in none, whole, cut anywhere, and contradicting themselves.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires python3 --version

make_disk disk.raw $((11 * mib))
place disk.raw $((7 * mib)) text $mib
truncate -s 70M disk.raw
place disk.raw $((40 * mib)) noise 900000
want=$(hash_of cat disk.raw)
imgconv -O vmdk -o subformat=streamOptimized,cid=1 disk.raw ours.vmdk
qemu-img convert -O vmdk -o subformat=streamOptimized disk.raw theirs.vmdk

# Rewrites our stream with its grains in another order, and its tables at the end.
cat >shuffle.py <<'END'
import random, struct, sys

source, target, how = sys.argv[1:]
f = open(source, 'rb').read()
capacity, = struct.unpack_from('<Q', f, 12)
at, grains, out = 65536, [], bytearray(f[:65536])
while True:
    value, size, kind = struct.unpack_from('<QII', f, at)
    if size:
        end = (at + 12 + size + 511) // 512 * 512
        grains.append((value // 128, f[at:end]))
        at = end
    elif kind == 1:
        at += 512 * (1 + value)
    else:
        break
if how == 'mixed':
    random.Random(1).shuffle(grains)
elif how == 'swapped':
    grains[3], grains[4] = grains[4], grains[3]
elif how == 'late':
    grains.append(grains.pop(0))
elif how == 'twice':
    grains.append(grains[0])
tables = {}
for number, data in grains:
    tables.setdefault(number // 512, [0] * 512)[number % 512] = len(out) // 512
    out += data
if how == 'untrue':
    tables[0][0], tables[0][1] = tables[0][1], tables[0][0]
directory = [0] * -(-capacity // 65536)
for i in sorted(tables, reverse=True):
    out += struct.pack('<QII', 4, 0, 1).ljust(512, b'\0')
    directory[i] = len(out) // 512
    out += struct.pack('<512I', *tables[i])
directory = struct.pack('<%dI' % len(directory), *directory)
directory += b'\0' * (-len(directory) % 512)
out += struct.pack('<QII', len(directory) // 512, 0, 2).ljust(512, b'\0')
footer = bytearray(f[:512])
struct.pack_into('<Q', footer, 56, len(out) // 512)
out += directory
if how != 'footless':
    out += struct.pack('<QII', 1, 0, 3).ljust(512, b'\0') + footer
open(target, 'wb').write(out + bytes(512))
END
for how in plain mixed swapped late twice untrue footless; do
	python3 shuffle.py ours.vmdk $how.vmdk $how
done

# What each of them holds, into targets that take what comes late, and into those that cannot.
for image in ours theirs plain mixed swapped late; do
	qemu-img compare -q -F raw $image.vmdk disk.raw || fail "the sample $image is wrong"
	for threads in 1 2 7; do
		cat $image.vmdk | imgconv -m $threads - out.qcow2
		judged out.qcow2 disk.raw "$image to qcow2 with $threads threads"
		cat $image.vmdk | imgconv -m $threads - out.raw
		same "$want" "$(hash_of cat out.raw)" "$image to raw with $threads threads"
	done
	cat $image.vmdk | imgconv - -c out.qcow2
	judged out.qcow2 disk.raw "$image to compressed qcow2"
	cat $image.vmdk | imgconv - out.vdi
	judged out.vdi disk.raw "$image to VDI"
	for format in raw qcow2 'vmdk -o subformat=streamOptimized'; do
		# shellcheck disable=SC2086
		same "$want" "$(cat $image.vmdk | imgconv - -O $format - | imgconv - -O raw - |
			sha256sum | cut -d ' ' -f 1)" "$image to $format through pipes"
	done
	cat $image.vmdk | imgconv --digest=sha256 - out.raw >out.txt
	grep -q "$want" out.txt || fail "$image: another digest"
	cat $image.vmdk | imgcmp - disk.raw >/dev/null || fail "$image: imgcmp"
done

# One pass means that nothing is kept: there is no folder for a file that would be needed.
head -c 80M /dev/urandom >big.raw
imgconv -O vmdk -o subformat=streamOptimized,compression_level=1 big.raw big-ours.vmdk
qemu-img convert -O vmdk -o subformat=streamOptimized big.raw big-theirs.vmdk
for image in big-ours big-theirs; do
	cat $image.vmdk | TMPDIR=$workdir/none imgconv - out.raw || fail "$image was spooled"
	cmp out.raw big.raw || fail "$image in one pass"
done
cat big-theirs.vmdk | TMPDIR=$workdir/none imgconv - -O raw - | cmp - big.raw ||
	fail "QEMU's from a pipe to a pipe"
rm -f big*

# A whole stream is read, so that its writer is not cut off, whatever comes behind.
(cat ours.vmdk && head -c 3M /dev/zero) | imgconv - out.raw
same "$want" "$(hash_of cat out.raw)" "a stream and more"

# refused STATUS IMAGE WHAT
refused() {
	rm -f out.raw
	cat "$2" | exits "$1" imgconv - out.raw 2>message.txt ||
		fail "$3: $(cat message.txt)"
	[ ! -e out.raw ] || fail "$3: there is a target"
	[ -s message.txt ] || fail "$3: no message"
}

# Cut at every kind of place: never a success, and never zeros.
size=$(stat -c %s ours.vmdk)
for at in 600 20000 65535 65536 65540 65548 66000 $((size / 3)) $((size / 2)) $((size - 6000)) \
	$((size - 3585)) $((size - 3584)) $((size - 2560)) $((size - 1536)) $((size - 1024)) \
	$((size - 600)) $((size - 512)) $((size - 500)); do
	head -c "$at" ours.vmdk >cut.vmdk
	refused 4 cut.vmdk "cut at $at"
done
for at in 600 20000 $(($(stat -c %s theirs.vmdk) / 2)); do
	head -c "$at" theirs.vmdk >cut.vmdk
	refused 4 cut.vmdk "QEMU's, cut at $at"
done
head -c $((size / 2)) ours.vmdk >cut.vmdk
refused 4 cut.vmdk half
grep -q 'guest bytes [0-9]* to 73400320 cannot be read: the stream ends' message.txt ||
	fail "the place is not named: $(cat message.txt)"
cat cut.vmdk | exits 4 imgconv --salvage --output=json - out.raw >out.json 2>/dev/null
lost=$(grep -o '"start": *[0-9]*' out.json | grep -o '[0-9]*')
cmp -n "$lost" out.raw disk.raw || fail "salvaged bytes are wrong"
[ "$lost" -gt $mib ] || fail "nothing is salvaged: $(cat out.json)"

# Contradictions.
refused 1 twice.vmdk "a grain that comes twice"
refused 1 untrue.vmdk "tables that say something else"
grep -q 'grain tables' message.txt || fail "$(cat message.txt)"
refused 4 footless.vmdk "a stream without footer"
