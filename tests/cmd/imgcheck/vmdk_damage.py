# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damage to VMDK images, and how much of what is left a salvage must bring back; salvage-vmdk.sh.

    vmdk_damage.py stream RAW NEW        a streamOptimized image with its directory at the end
    vmdk_damage.py damage IMAGE NEW KIND a copy of IMAGE with that damage
    vmdk_damage.py judge IMAGE DAMAGED RAW SALVAGED MAP
                                         what DAMAGED still has of the disk must be in SALVAGED
"""

import json
import random
import struct
import sys
import zlib

SECTOR, AT_END = 512, (1 << 64) - 1
COMPRESSED, MARKERS = 1 << 16, 1 << 17


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, raw):
    with open(path, "wb") as f:
        f.write(raw)


def pad(raw):
    return raw + bytes(-len(raw) % SECTOR)


def marker(value, kind):
    return pad(struct.pack("<QII", value, 0, kind))


def header(capacity, gd):
    return pad(struct.pack("<4sIIQQQQIQQQB4sH", b"KDMV", 3, 1 | COMPRESSED | MARKERS, capacity, 128, 1,
                           20, 512, 0, gd, 128, 0, b"\n \r\n", 1))


def make_stream(source, target):
    disk = read(source)
    capacity = len(disk) // SECTOR
    text = ('# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\n'
            'createType="streamOptimized"\nRW %d SPARSE "stream.vmdk"\n' % capacity)
    raw = bytearray((header(capacity, AT_END) + text.encode()).ljust(128 * SECTOR, b"\0"))
    tables, grain = {}, 128 * SECTOR
    for i in range(-(-len(disk) // grain)):
        data = disk[i * grain:(i + 1) * grain]
        if data.count(0) == len(data):
            continue
        packed = zlib.compress(data, 1)
        tables.setdefault(i // 512, [0] * 512)[i % 512] = len(raw) // SECTOR
        raw += pad(struct.pack("<QI", i * 128, len(packed)) + packed)
    directory = [0] * -(-capacity // (128 * 512))
    for i, table in tables.items():
        raw += marker(4, 1)
        directory[i] = len(raw) // SECTOR
        raw += struct.pack("<512I", *table)
    entries = pad(struct.pack("<%dI" % len(directory), *directory))
    raw += marker(len(entries) // SECTOR, 2)
    gd = len(raw) // SECTOR
    raw += entries + marker(1, 3) + header(capacity, gd) + marker(0, 0)
    write(target, raw)


class Image:
    """Where things lie in a whole hosted sparse file, in bytes."""

    def __init__(self, path):
        self.raw = read(path)
        self.size = len(self.raw)
        fields = struct.unpack("<4sIIQQQQIQQQ", self.raw[:72])
        gd = fields[9]
        if gd == AT_END:
            gd = struct.unpack("<Q", self.raw[-1024 + 56:-1024 + 64])[0]
        self.markers = fields[2] & MARKERS
        self.capacity, self.grain = fields[3] * SECTOR, fields[4] * SECTOR
        self.n = -(-self.capacity // (self.grain * 512))
        self.gd, self.rgd = gd * SECTOR, fields[8] * SECTOR if fields[2] & 2 else 0
        self.grains = {}
        for i, table in enumerate(self.numbers(self.gd, self.n)):
            for k, place in enumerate(self.numbers(table * SECTOR, 512) if table else []):
                if place:
                    self.grains[i * 512 + k] = self.bytes_of(place * SECTOR)
        self.first_table = self.numbers(self.gd, 1)[0] * SECTOR
        self.second_table = self.numbers(self.rgd, 1)[0] * SECTOR if self.rgd else 0

    def numbers(self, at, n):
        return struct.unpack("<%dI" % n, self.raw[at:at + 4 * n])

    def bytes_of(self, place):
        if not self.markers:
            return place, place + self.grain
        length = struct.unpack("<I", self.raw[place + 8:place + 12])[0]
        return place, place + 12 + length


def ranges(im, kind):
    """What the damage is done to: where, how long."""
    places = sorted(im.grains.values())
    middle = places[len(places) // 2]
    return {
        "header": [(0, 512)],
        "front": [(0, 21 * 512)],
        "first-directory": [(im.gd, 512)],
        "second-directory": [(im.rgd, 512)],
        "directories": [(im.gd, 512), (im.rgd, 512)],
        "first-tables": [(im.first_table, im.n * 2048)],
        "second-tables": [(im.second_table, im.n * 2048)],
        "front-to-second-tables": [(0, im.second_table + im.n * 2048)],
        "header-and-directory": [(0, 512), (im.rgd, 512)],
        "footer": [(im.size - 1024, 1024)],
        "end": [(im.size - 6 * 512, 6 * 512)],
        "marker": [(middle[0], 12)],
        "grain": [(middle[0] + 400, 100)],
        "grains": [(middle[0] - 30000, 300000)],
        "header-and-footer": [(0, 512), (im.size - 1024, 1024)],
        "header-and-grains": [(0, 512), (middle[0] - 30000, 300000)],
    }[kind]


def damage(source, target, kind):
    im, noise = Image(source), random.Random(kind)
    raw = bytearray(im.raw)
    kind, _, how = kind.partition(":")
    if kind.startswith("cut"):
        raw = raw[:im.size * int(kind[3:]) // 100]
    elif kind != "none":
        for at, length in ranges(im, kind):
            raw[at:at + length] = noise.randbytes(length) if how == "noise" else bytes(length)
    write(target, raw)


def lost_ranges(path):
    with open(path) as f:
        pieces = json.load(f)["salvage"]["map"]
    return [(p["start"], p["start"] + p["length"]) for p in pieces if p["state"] == "lost"]


def judge(whole, damaged, original, salvaged, table):
    im, after = Image(whole), read(damaged)
    disk, new, lost = read(original), read(salvaged), lost_ranges(table)
    there = 0
    for index, (start, end) in im.grains.items():
        at = index * im.grain
        if im.raw[start:end] != after[start:end]:
            continue
        there += 1
        end_at = min(at + im.grain, len(disk))
        if new[at:end_at] != disk[at:end_at]:
            sys.exit("the grain at 0x%x is in the file and was not brought back" % at)
        if any(a < at + im.grain and at < b for a, b in lost):
            sys.exit("the grain at 0x%x is in the file and was called lost" % at)
    for at in range(0, min(len(disk), len(new)), SECTOR):
        if new[at:at + SECTOR] != disk[at:at + SECTOR] and not any(a <= at < b for a, b in lost):
            sys.exit("the sector at 0x%x is another one, and was not called lost" % at)
    print("%d of %d grains are left, and all of them were brought back" % (there, len(im.grains)))


if __name__ == "__main__":
    {"stream": make_stream, "damage": damage, "judge": judge}[sys.argv[1]](*sys.argv[2:])
