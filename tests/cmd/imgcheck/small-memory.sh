# SPDX-License-Identifier: LGPL-2.1-or-later
# What is counted and rebuilt goes to a file when memory is small, and comes out the same: checks, repairs
# and salvages of VDI and qcow, of which the bits for the blocks of a file take more than --memory=1.
. "$srcdir/tests/functions.sh"
requires python3 --version

# image KIND PATH: blocks of 512 bytes that are holes, in any order; some entries are damaged.
cat >image.py <<'END'
import array
import random
import struct
import sys

kind, path = sys.argv[1:]
random.seed(7)


def vdi(order, n=150000, more=100):
    head = bytearray(512)
    data = 512 + (4 * (n + more) + 511) // 512 * 512
    struct.pack_into("<IIII", head, 64, 0xbeda107f, 0x00010001, 400, 1)
    struct.pack_into("<II", head, 340, 512, data)
    struct.pack_into("<QIIII", head, 368, (n + more) * 512, 512, 0, n + more, n)
    head[392:424] = bytes(range(1, 33))
    struct.pack_into("<I", head, 468, 512)
    entries = list(range(n))
    if order == "any":
        random.shuffle(entries)
    for i in random.sample(range(n), 300):
        entries[i] ^= 1 << random.randrange(20, 30)
    entries[70000] = entries[70001] = entries[140000]
    for i in range(100000, 100020):
        entries[i] = 0x12345678
    entries += [0xffffffff] * more
    return head + array.array("I", entries).tobytes(), data + 512 * n


def qcow(tables=40, entries=4096):
    at = 4096
    n = tables * entries
    first = at + n * 8
    hosts = [first + 512 * i for i in range(n)]
    random.shuffle(hosts)
    hosts[50000] = hosts[3]
    hosts[60000] = hosts[60001]
    hosts[70000] = 1 << 50
    image = bytearray(struct.pack(">IIQIIQBBHIQ", 0x514649fb, 1, 0, 0, 0, n * 512, 9, 12, 0, 0, 48))
    for i in range(tables):
        image += struct.pack(">Q", 0xdead if i == 11 else at + i * entries * 8)
    image += bytes(at - len(image))
    image += struct.pack(">%dQ" % n, *hosts)
    return image, first + 512 * (n + 3000)


image, length = qcow() if kind == "qcow" else vdi(kind)
with open(path, "wb") as f:
    f.write(image)
    f.truncate(length)
    for at in range(len(image) + 512, length, 512 * 97):
        f.seek(at - at % 512)
        f.write(b"%d" % at)
END

# outcome MEMORY FILE COMMAND...: what it says, its status, and what it made.
outcome() {
	memory=$1 made=$2
	shift 2
	status=0
	"$@" --memory="$memory" >said 2>&1 || status=$?
	echo "$status $(cksum <said) $(cksum <"$made")"
}

# same KIND NAME: whatever the memory.
same() {
	for memory in 1 256M; do
		rm -f "$2"*
		python3 image.py "$1" "$2"
		outcome $memory "$2" imgcheck "$2"
		outcome $memory raw imgcheck --salvage -O raw -o raw "$2"
		outcome $memory "$2" imgcheck --repair "$2"
		rm -f raw
	done >outcomes
	[ "$(wc -l <outcomes)" = 6 ] && [ "$(head -n 3 outcomes)" = "$(tail -n 3 outcomes)" ] ||
		fail "$1: $(cat outcomes)"
}

same in-order a.vdi
same any b.vdi
same qcow c.qcow
