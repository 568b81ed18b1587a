#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Makes the samples in this folder, one for each id that `imgcheck --findings` lists:

    python3 testdata/check/make.py [FOLDER]

Each starts as an image without a fault and gets the damage that its id stands for and, as far as
that can be, no other: what the damage leaves without a reference has the refcount 0.  The same
bytes come out every time.
"""

import base64
import hashlib
import json
import lzma
import os
import struct
import sys
import zlib

import vmdk

COPIED = 1 << 63
COMPRESSED = 1 << 62
DIRTY, CORRUPT, DATA_FILE, EXTENDED_L2 = 1, 2, 4, 16  # incompatible features
EXT_BITMAPS, EXT_CRYPT, EXT_DATA_FILE = 0x23852875, 0x0537BE77, 0x44415441
REFCOUNT_BYTES = 2
LUKS_ACTIVE, LUKS_INACTIVE = 0x00AC71F3, 0x0000DEAD
LUKS_STEP = 128  # sectors, for a key of 16 bytes in 4000 stripes
LUKS_PAYLOAD = 8 * LUKS_STEP + 128

# Clusters that every image has, and those that may be used for anything.
HEADER, REFTABLE, REFBLOCK, L1, L2, DATA, MORE, LAST = range(8)


class Image:
    """Clusters as a list of bytes; disk and tables of two L2 tables, of which one is in use."""

    SUFFIX = ".qcow2"

    def __init__(self, bits=9, extended=False, data_file=False, size=None):
        self.bits, self.cluster = bits, 1 << bits
        self.entry_len = 16 if extended else 8
        self.table_bytes = (self.cluster // self.entry_len) << bits  # of the disk, for one L2
        self.size = size or 2 * self.table_bytes
        self.header = {
            "incompatible": EXTENDED_L2 * extended | DATA_FILE * data_file,
            "autoclear": 0, "crypt": 0, "snapshots": 0, "snapshots_at": 0,
            "l1_entries": -(-self.size // self.table_bytes), "l1_at": L1 << bits,
            "cluster_bits": bits,
        }
        self.extensions, self.backing = [], b""
        self.bytes = bytearray(8 * self.cluster)
        self.end = None  # where the file is cut off
        self.put(REFTABLE, 0, REFBLOCK << bits)
        self.put(L1, 0, COPIED | L2 << bits)
        for i in range(HEADER, L2 + 1):
            self.count(i, 1)
        if data_file:
            self.extension(EXT_DATA_FILE, b"data.raw")
            self.grow(5)
        elif not extended:
            self.data(0, DATA)
            self.data(1, LAST)
        else:
            self.data(0, LAST)

    def at(self, cluster):
        return cluster << self.bits

    def grow(self, clusters):
        self.bytes = self.bytes[:self.at(clusters)].ljust(self.at(clusters), b"\0")

    def write(self, at, raw):
        self.bytes[at:at + len(raw)] = raw

    def put(self, cluster, index, value):
        """An entry of a table."""
        self.write(self.at(cluster) + 8 * index, struct.pack(">Q", value))

    def get(self, cluster, index):
        return struct.unpack_from(">Q", self.bytes, self.at(cluster) + 8 * index)[0]

    def l2(self, index, value, bitmap=0):
        self.put(L2, index * self.entry_len // 8, value)
        if self.entry_len == 16:
            self.put(L2, index * 2 + 1, bitmap)

    def count(self, cluster, count):
        self.write(self.at(REFBLOCK) + cluster * REFCOUNT_BYTES, struct.pack(">H", count))

    def data(self, index, cluster):
        """A cluster of the disk that holds text."""
        self.l2(index, COPIED | self.at(cluster), 0xFFFFFFFF)
        self.count(cluster, 1)
        self.write(self.at(cluster), (b"cluster %d\n" % index).ljust(64, b".") * 8)

    def extension(self, kind, data):
        self.extensions.append(struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8))

    def bitmap(self, entries, table=MORE, flags=0):
        """A bitmap directory of one bitmap; takes two clusters, the directory and its table."""
        one = struct.pack(">QIIBBHI", self.at(table), len(entries), flags, 1, 16, 4, 0) + b"bits"
        one += bytes(-len(one) % 8)
        self.header["autoclear"] |= 1
        self.directory = len(self.bytes) >> self.bits
        self.grow(self.directory + 1)
        self.write(self.at(self.directory), one)
        self.count(self.directory, 1)
        self.extension(EXT_BITMAPS, struct.pack(">IIQQ", 1, 0, len(one), self.at(self.directory)))
        for i, entry in enumerate(entries):
            self.put(MORE, i, entry)
        self.count(MORE, 1)

    def snapshot(self, l1_at, l1_entries, extra_len=16):
        one = struct.pack(">QIHHIIQII", l1_at, l1_entries, 1, 3, 0, 0, 0, 0, extra_len)
        one += struct.pack(">QQ", 0, self.size) + b"1" + b"one"
        self.header["snapshots"], self.header["snapshots_at"] = 1, self.at(MORE)
        self.write(self.at(MORE), one + bytes(-len(one) % 8))
        self.count(MORE, 1)

    def luks(self, slots=((LUKS_ACTIVE, 1000),), **fields):
        """A LUKS1 header, with keys of 16 bytes that open nothing, behind all else."""
        first = len(self.bytes) >> self.bits
        length = LUKS_PAYLOAD * 512
        self.grow(first + (length >> self.bits))
        for cluster in range(first, first + (length >> self.bits)):
            self.count(cluster, 1)
        f = {"version": 1, "payload": LUKS_PAYLOAD, "uuid": b"00000000-0000-4000-8000-000000000000"}
        f.update(fields)
        raw = struct.pack(
            ">6sH32s32s32sII20s32sI40s", b"LUKS\xba\xbe", f["version"], b"aes",
            b"cbc-essiv:sha256", b"sha256", f["payload"], 16, b"digest", b"salt", 1000, f["uuid"])
        for i in range(8):
            state, rounds, *at = slots[i] if i < len(slots) else (LUKS_INACTIVE, 0)
            at = at[0] if at else 8 + i * LUKS_STEP
            raw += struct.pack(">II32sII", state, rounds, b"salt", at, 4000)
        self.write(self.at(first), raw)
        self.header["crypt"] = 2
        self.extension(EXT_CRYPT, struct.pack(">QQ", self.at(first), length))

    def finish(self):
        h = self.header
        extensions = b"".join(self.extensions) + bytes(8)
        backing_at = 112 + len(extensions) if self.backing else 0
        raw = struct.pack(
            ">4sIQIIQIIQQIIQQQQIIQ", b"QFI\xfb", 3, backing_at, len(self.backing),
            h["cluster_bits"], self.size, h["crypt"], h["l1_entries"], h["l1_at"],
            self.at(REFTABLE), 1, h["snapshots"], h["snapshots_at"], h["incompatible"], 0,
            h["autoclear"], 4, 112, 0) + extensions + self.backing
        assert len(raw) <= self.cluster
        self.write(0, raw)
        return bytes(self.bytes[:self.end])


FREE, ZERO = 0xFFFFFFFF, 0xFFFFFFFE
DYNAMIC, FIXED = 1, 2


class Vdi:
    """Four blocks of 1 MiB, which is all that QEMU knows; two are in use, one is zeros."""

    SUFFIX = ".vdi"
    BLOCK = 1 << 20

    def __init__(self, fixed=False):
        self.map = [0, 1, 2, 3] if fixed else [1, FREE, 0, ZERO]
        self.allocated = self.in_file = 4 if fixed else 2
        self.type = FIXED if fixed else DYNAMIC
        self.map_off, self.data_off, self.blocks = 512, 1024, 4
        self.uuid, self.modified = b"u" * 16, b"m" * 16
        self.end = None  # where the file is cut off

    def finish(self):
        raw = b"<<< sample >>>\n".ljust(64, b"\0")
        raw += struct.pack("<IIII", 0xBEDA107F, 0x10001, 400, self.type) + bytes(4 + 256)
        raw += struct.pack("<IIIIIII", self.map_off, self.data_off, 0, 0, 0, 512, 0)
        raw += struct.pack("<QIIII", 4 * self.BLOCK, self.BLOCK, 0, self.blocks, self.allocated)
        raw += self.uuid + self.modified + bytes(32) + struct.pack("<IIII", 0, 0, 0, 512)
        raw = raw.ljust(self.map_off, b"\0") + struct.pack("<4I", *self.map)
        raw = raw.ljust(self.data_off, b"\0")
        for i in range(self.in_file):
            raw += (b"block %d\n" % i).ljust(64, b".") * (self.BLOCK // 64)
        return raw[:self.end]


class Cloop:
    """Four blocks of 4 KiB, in version 4.0."""

    SUFFIX = ".cloop"

    def __init__(self, blocks=4):
        self.block, self.gap, self.behind = 4096, b"", b""
        self.packed = [zlib.compress((b"block %d\n" % i).ljust(64, b".") * 64)
                       for i in range(blocks)]
        self.entries = [136 + 8 * (blocks + 1)]
        for raw in self.packed:
            self.entries.append(self.entries[-1] + len(raw))
        self.end = None  # where the file is cut off

    def finish(self):
        raw = b"#!/bin/sh\n#V4.0 Format\nexit $?\n".ljust(128, b"\0")
        raw += struct.pack(">II", self.block, len(self.packed))
        raw += struct.pack(">%dQ" % len(self.entries), *self.entries)
        return (raw + self.gap + b"".join(self.packed) + self.behind)[:self.end]
class Qcow:
    """Version 1: three clusters of 512 bytes behind a table each, one of them packed."""

    SUFFIX = ".qcow"
    C = 512

    def __init__(self, n_l1=2, size=2 * 64 * 512):
        self.size, self.bits, self.l1_off = size, 9, 48
        self.l1 = [2 * self.C, 3 * self.C][:n_l1]
        self.l2 = [[4 * self.C, 5 * self.C] + [0] * 62, [6 * self.C] + [0] * 63]
        self.packed = zlib.compress(b"packed ".ljust(self.C, b"."), 9)[2:-4]
        self.l2[1][1] = 1 << 63 | len(self.packed) << (63 - 9) | 7 * self.C
        self.clusters = 8
        self.end = None  # where the file is cut off

    def all_below_first(self):
        """Nothing leaks when the second table is lost."""
        self.l2 = [[i * self.C for i in range(3, 8)] + [0] * 59, [0] * 64]

    def finish(self):
        raw = bytearray(self.clusters * self.C)
        raw[:48] = struct.pack(">IIQIIQBBHIQ", 0x514649FB, 1, 0, 0, 0, self.size, self.bits, 6, 0,
                               0, self.l1_off)
        raw[48:64] = struct.pack(">2Q", *(self.l1 + [0, 0])[:2])
        for i in range(2):
            if not any(self.l2[i]):
                continue
            raw[(2 + i) * self.C:(3 + i) * self.C] = struct.pack(">64Q", *self.l2[i])
        for i in range(4, 7):
            raw[i * self.C:(i + 1) * self.C] = (b"cluster %d " % i).ljust(64, b".") * 8
        raw[7 * self.C:7 * self.C + len(self.packed)] = self.packed
        return bytes(raw[:self.end])


class Cow:
    """QEMU's layout, without a backing file: 12 sectors, of which 3 are there; the others are zeros."""

    SUFFIX = ".cow"

    def __init__(self):
        self.size, self.sectors, self.bits, self.behind = 12 * 512, 12, [0, 1, 8], b""
        self.data = [0, 1, 8]
        self.version = 2
        self.end = None  # where the file is cut off

    def finish(self):
        # 1024 bytes of name, the time, four bytes, the size, bytes of a sector
        raw = b"OOOM" + struct.pack(">I1024sI4xQI4x", self.version, b"", 0, self.size, 512)
        bitmap = bytearray(2)
        for i in self.bits:
            bitmap[i // 8] |= 1 << i % 8
        raw = (raw + bitmap).ljust(1536, b"\0")
        for i in range(self.sectors):
            raw += (b"sector %d " % i).ljust(64, b".") * 8 if i in self.data else bytes(512)
        return (raw + self.behind)[:self.end]


class CowOld(Cow):
    """Version 1 of User-Mode Linux, over data.raw, which is as long as 8 sectors."""

    def finish(self):
        raw = b"MOOO" + struct.pack("<I256sIQI", 1, b"data.raw", 0, self.size, 512)
        return raw.ljust(512, b"\0") + bytes(self.size)


class Raw:
    """Eight sectors with the two headers of a GPT."""

    SUFFIX = ".img"

    def __init__(self, end=8):
        self.end, self.sectors = end, 8
        self.spoilt = []

    def header(self, own, other):
        raw = struct.pack("<8sIIIIQQ", b"EFI PART", 0x10000, 92, 0, 0, own, other).ljust(92, b"\0")
        raw = raw[:16] + struct.pack("<I", zlib.crc32(raw)) + raw[20:]
        return (raw if own not in self.spoilt else b"X" + raw[1:]).ljust(512, b"\0")

    def finish(self):
        raw = bytearray(512 * max(self.sectors, self.end))
        raw[512:1024] = self.header(1, self.end - 1)
        raw[512 * (self.end - 1):512 * self.end] = self.header(self.end - 1, 1)
        return bytes(raw[:512 * self.sectors])


SAMPLES = {}


def sample(name, make=Image, **how):
    """The function below changes such an image so that it has this finding."""
    def remember(change):
        SAMPLES[name] = (make, how, change)
        return change
    return remember


def beyond(im):
    return len(im.bytes) + im.at(4)


def orphan(im):
    """The cluster that the first L2 entry has pointed to is free."""
    im.count(DATA, 0)
    return COPIED | im.at(DATA)


# ---- Any format ----------------------------------------------------------------------------------

@sample("image.doubtful")
def _(im):
    im.finish = lambda: bytes(im.cluster) + bytes(im.bytes[im.cluster:])


@sample("image.chain")
def _(im):
    im.backing = b"missing.raw"


@sample("image.data.lost", data_file=True, size=8192)
def _(im):
    im.l2(9, COPIED | im.at(9))


@sample("image.data.unread", data_file=True, size=4096)
def _(im):
    im.extensions = []
    im.extension(EXT_DATA_FILE, b"missing.raw")


@sample("image.data.undecodable")
def _(im):
    im.l2(0, COMPRESSED | im.at(DATA))
    im.write(im.at(DATA), b"\xff" * im.cluster)


# ---- Header --------------------------------------------------------------------------------------

@sample("qcow2.header.broken")
def _(im):
    im.header["l1_entries"] = 1


@sample("qcow2.header.dirty")
def _(im):
    im.header["incompatible"] = DIRTY


@sample("qcow2.header.corrupt")
def _(im):
    im.header["incompatible"] = CORRUPT


@sample("qcow2.header.autoclear")
def _(im):
    im.header["autoclear"] = 1 << 40


@sample("qcow2.header.behind")
def _(im):
    im.grow(10)


# ---- L1 ------------------------------------------------------------------------------------------

@sample("qcow2.l1.reserved")
def _(im):
    im.put(L1, 1, COPIED | 1 << 56 | im.at(MORE))


@sample("qcow2.l1.unaligned", bits=10)
def _(im):
    im.put(L1, 1, COPIED | im.at(MORE) + 512)


@sample("qcow2.l1.outside")
def _(im):
    im.put(L1, 1, COPIED | beyond(im))


@sample("qcow2.l1.copied")
def _(im):
    im.put(L1, 0, im.at(L2))


@sample("qcow2.l1.empty")
def _(im):
    im.put(L1, 0, 0)


@sample("qcow2.l1.missing")
def _(im):
    im.grow(11)
    im.snapshot(im.at(8), 2)
    im.put(8, 0, im.at(L2))
    im.put(L1, 0, 0)
    im.put(L1, 1, COPIED | im.at(9))
    im.put(9, 0, COPIED | im.at(10))
    im.l2(0, im.at(DATA))
    im.l2(1, im.at(LAST))
    for cluster in (8, 9, 10):
        im.count(cluster, 1)
    for cluster in (L2, DATA, LAST):
        im.count(cluster, 2)


@sample("qcow2.l1.nowhere")
def _(im):
    im.put(L1, 1, COPIED)


# ---- L2 ------------------------------------------------------------------------------------------

@sample("qcow2.l2.reserved")
def _(im):
    im.l2(0, orphan(im) | 1 << 1)


@sample("qcow2.l2.unaligned", bits=10)
def _(im):
    im.l2(0, orphan(im) + 512)


@sample("qcow2.l2.outside")
def _(im):
    im.l2(2, COPIED | beyond(im))


@sample("qcow2.l2.copied")
def _(im):
    im.l2(0, im.at(DATA))


@sample("qcow2.l2.cut")
def _(im):
    im.end = len(im.bytes) - 100


@sample("qcow2.l2.nowhere")
def _(im):
    im.l2(2, COPIED)


@sample("qcow2.l1.twin")
def _(im):
    im.put(L1, 1, COPIED | im.at(L2))


@sample("qcow2.l2.orphan")
def _(im):
    im.grow(10)
    im.put(8, 5, COPIED | im.at(9))
    for cluster in (8, 9):
        im.count(cluster, 1)


@sample("qcow2.l2.empty")
def _(im):
    im.grow(10)
    im.put(L1, 1, COPIED | im.at(8))
    for cluster in (8, 9):
        im.count(cluster, 1)


@sample("qcow2.l2.gap", bits=10)
def _(im):
    im.grow(8 + 32)
    for cluster in range(8, 8 + 32):
        im.write(im.at(cluster), b"data")
        im.count(cluster, 1)


@sample("qcow2.l2.missing")
def _(im):
    im.grow(11)
    im.count(LAST, 0)
    im.l2(1, COPIED | im.at(8))
    im.l2(3, COPIED | im.at(10))
    for cluster in (8, 9, 10):
        im.count(cluster, 1)


@sample("qcow2.l2.shared")
def _(im):
    im.grow(10)
    im.l2(2, im.at(LAST))
    im.l2(1, im.at(LAST))
    im.count(LAST, 2)
    im.count(9, 1)


@sample("qcow2.l2.twin")
def _(im):
    im.l2(2, COPIED | im.at(LAST))


@sample("qcow2.l2.misplaced", data_file=True, size=4096)
def _(im):
    im.l2(0, COPIED)
    im.l2(1, COPIED | im.at(2))


@sample("qcow2.l2.both", bits=14, extended=True)
def _(im):
    im.l2(1, COPIED | im.at(DATA), 1 << 32 | 1)


@sample("qcow2.l2.subcluster-nowhere", bits=14, extended=True)
def _(im):
    im.l2(1, 0, 1)


# ---- Compressed clusters -------------------------------------------------------------------------

@sample("qcow2.compressed.data-file", data_file=True, size=4096)
def _(im):
    im.l2(0, COMPRESSED | im.at(1))


@sample("qcow2.compressed.reserved")
def _(im):
    im.l2(2, COMPRESSED | 1 << 56)


@sample("qcow2.compressed.subclusters", bits=14, extended=True)
def _(im):
    im.l2(1, COMPRESSED | im.at(DATA), 1)


@sample("qcow2.compressed.copied")
def _(im):
    im.l2(0, COMPRESSED | COPIED | im.at(DATA))


@sample("qcow2.compressed.outside")
def _(im):
    im.l2(1, COMPRESSED | 1 << 61 | im.at(LAST))  # two sectors, with 512-byte clusters


# ---- Refcounts -----------------------------------------------------------------------------------

@sample("qcow2.reftable.reserved")
def _(im):
    im.put(REFTABLE, 1, im.at(MORE) | 1)


@sample("qcow2.reftable.unaligned", bits=10)
def _(im):
    im.put(REFTABLE, 1, im.at(MORE) + 512)


@sample("qcow2.reftable.outside")
def _(im):
    im.put(REFTABLE, 1, beyond(im))


@sample("qcow2.refcount.leak")
def _(im):
    im.count(MORE, 1)


@sample("qcow2.refcount.low")
def _(im):
    im.count(REFTABLE, 0)  # of what has no COPIED flag that would be wrong, too


@sample("qcow2.overlap")
def _(im):
    im.l2(2, im.at(L1))
    im.count(L1, 2)


# ---- Snapshots, bitmaps, encryption --------------------------------------------------------------

@sample("qcow2.snapshot.table")
def _(im):
    im.snapshot(0, 0, extra_len=0x10000)
    im.count(MORE, 0)


@sample("qcow2.snapshot.l1")
def _(im):
    im.snapshot(im.at(L1) + 8, 2)


@sample("qcow2.bitmap.directory")
def _(im):
    im.bitmap([0])
    im.write(im.at(im.directory) + 17, b"\x40")  # bits of the granularity


@sample("qcow2.bitmap.table")
def _(im):
    im.bitmap([0])
    im.write(im.at(im.directory), struct.pack(">Q", im.at(MORE) + 8))
    im.count(MORE, 0)


@sample("qcow2.bitmap.entry")
def _(im):
    im.bitmap([1 << 1])


@sample("qcow2.bitmap.outside")
def _(im):
    im.bitmap([beyond(im)])


@sample("qcow2.bitmap.in-use")
def _(im):
    im.bitmap([0], flags=1)


@sample("qcow2.crypt.place")
def _(im):
    im.header["crypt"] = 2
    im.extension(EXT_CRYPT, struct.pack(">QQ", im.at(MORE) + 8, im.cluster))


@sample("qcow2.crypt.header", bits=16)
def _(im):
    im.luks(version=2)


@sample("qcow2.crypt.slot", bits=16)
def _(im):
    im.luks(slots=[(LUKS_ACTIVE, 1000), (LUKS_ACTIVE, 0)])


@sample("qcow2.crypt.overlap", bits=16)
def _(im):
    im.luks(slots=[(LUKS_ACTIVE, 1000), (LUKS_INACTIVE, 0, LUKS_STEP)])


@sample("qcow2.crypt.no-key", bits=16)
def _(im):
    im.luks(slots=[])


@sample("qcow2.crypt.uuid", bits=16)
def _(im):
    im.luks(uuid=b"\xff" * 40)


@sample("qcow2.table.outside")
def _(im):
    im.snapshot(beyond(im), 2)


# ---- VDI -----------------------------------------------------------------------------------------

@sample("vdi.header.broken", Vdi)
def _(im):
    im.blocks = 3


@sample("vdi.header.field", Vdi)
def _(im):
    im.blocks = 5


@sample("vdi.header.count", Vdi)
def _(im):
    im.allocated = 1


@sample("vdi.header.high", Vdi)
def _(im):
    im.allocated = 3


@sample("vdi.header.uuid", Vdi)
def _(im):
    im.modified = bytes(16)


@sample("vdi.header.unaligned", Vdi)
def _(im):
    im.data_off += 1


@sample("vdi.header.behind", Vdi)
def _(im):
    im.in_file += 1


@sample("vdi.map.cut", Vdi)
def _(im):
    im.map, im.allocated, im.in_file = [FREE] * 4, 0, 0
    im.end = im.map_off + 12


@sample("vdi.map.beyond", Vdi)
def _(im):
    im.map[1] = 4


@sample("vdi.map.outside", Vdi)
def _(im):
    im.end = im.data_off + 2 * im.BLOCK - 1


@sample("vdi.map.doubled", Vdi)
def _(im):
    im.map[1] = 1


@sample("vdi.map.fixed", Vdi, fixed=True)
def _(im):
    im.map[3] = ZERO
    im.allocated = im.in_file = 3


@sample("vdi.block.leak", Vdi)
def _(im):
    im.allocated = im.in_file = 3


# ---- VMDK ----------------------------------------------------------------------------------------

@sample("image.mismatch", vmdk.Sparse)
def _(im):
    im.stands_on("below.bin", 0x11111111)


@sample("vmdk.header.broken", vmdk.Sparse)
def _(im):
    im.head["grain"] = 7


@sample("vmdk.header.unclean", vmdk.Sparse)
def _(im):
    im.head["unclean"] = 1


@sample("vmdk.header.overhead", vmdk.Sparse)
def _(im):
    im.head["overhead"] = 24


@sample("vmdk.header.size", vmdk.Sparse)
def _(im):
    im.described += 8


@sample("vmdk.header.larger", vmdk.Sparse)
def _(im):
    im.described -= 8


@sample("vmdk.descriptor.broken", vmdk.Sparse)
def _(im):
    im.cid = "CID=none"


@sample("vmdk.descriptor.type", vmdk.Sparse)
def _(im):
    im.kind = "monolithicFlat"


@sample("vmdk.descriptor.cid", vmdk.Sparse)
def _(im):
    im.cid = ""


@sample("vmdk.descriptor.parent", vmdk.Sparse)
def _(im):
    im.parent = 0x11111111


@sample("vmdk.extent.unread", vmdk.Flat, extent='RW 8 FLAT "missing.raw" 0')
def _(im):
    pass


@sample("vmdk.flat.cut", vmdk.Flat, extent='RW 9 FLAT "data.raw" 0')
def _(im):
    pass


@sample("vmdk.flat.behind", vmdk.Flat, extent='RW 7 FLAT "data.raw" 0')
def _(im):
    pass


@sample("vmdk.directory.cut", vmdk.Sparse)
def _(im):
    im.head["gd"] = 1000


@sample("vmdk.directory.outside", vmdk.Sparse)
def _(im):
    im.gd[0] = 1 << 20


@sample("vmdk.directory.reserved", vmdk.SeSparse)
def _(im):
    im.gd[0] = 2 << 60


@sample("vmdk.second.outside", vmdk.Sparse)
def _(im):
    im.rgt[1] = 1 << 20


@sample("vmdk.second.differs", vmdk.Sparse)
def _(im):
    im.gt[5] = 0


@sample("vmdk.second.behind", vmdk.Sparse)
def _(im):
    im.rgt[5] = 0


@sample("vmdk.overlap", vmdk.Sparse)
def _(im):
    im.head["overhead"] = 8
    im.gt[1] = im.rgt[1] = 8


@sample("vmdk.grain.outside", vmdk.Sparse)
def _(im):
    im.gt[5] = im.rgt[5] = 1 << 20


@sample("vmdk.grain.doubled", vmdk.Sparse)
def _(im):
    im.gt[1] = im.rgt[1] = im.gt[0]


@sample("vmdk.grain.unaligned", vmdk.Sparse)
def _(im):
    im.gt[5] += 1
    im.rgt[5] += 1
    im.more = 512


@sample("vmdk.grain.reserved", vmdk.SeSparse)
def _(im):
    im.gt[0] = 7 << 60


@sample("vmdk.grain.marker", vmdk.Stream)
def _(im):
    im.table[2] = "table"


@sample("vmdk.grain.leak", vmdk.Sparse)
def _(im):
    im.more = 2048


@sample("vmdk.footer.missing", vmdk.Stream)
def _(im):
    im.footer = False


@sample("vmdk.footer.differs", vmdk.Stream)
def _(im):
    im.footer_version = 1


@sample("vmdk.stream.end", vmdk.Stream)
def _(im):
    im.end = False


@sample("vmdk.stream.marker", vmdk.Stream)
def _(im):
    im.end_type = 9


@sample("vmdk.stream.unlisted", vmdk.Stream)
def _(im):
    im.table[1] = 0


@sample("vmdk.stream.unsorted", vmdk.Stream)
def _(im):
    im.order = [1, 0, 3]


@sample("vmdk.stream.behind", vmdk.Stream)
def _(im):
    im.early = True
# ---- cloop ---------------------------------------------------------------------------------------

@sample("cloop.header.broken", Cloop)
def _(im):
    im.block = 1000


@sample("cloop.header.behind", Cloop)
def _(im):
    im.behind = b"x"


@sample("cloop.index.cut", Cloop, blocks=0)
def _(im):
    im.end = 140


@sample("cloop.index.gap", Cloop)
def _(im):
    im.gap = b"x"
    im.entries = [e + 1 for e in im.entries]


@sample("cloop.index.inside", Cloop)
def _(im):
    im.entries[0] -= 1


@sample("cloop.index.order", Cloop)
def _(im):
    im.entries[2] = im.entries[0]


@sample("cloop.index.size", Cloop)
def _(im):
    im.entries[2] = im.entries[1]


@sample("cloop.index.compressor", Cloop)
def _(im):
    im.entries[1] |= 5 << 60


@sample("cloop.block.outside", Cloop)
def _(im):
    im.end = im.entries[-1] - 1
# ---- qcow, version 1 -----------------------------------------------------------------------------

@sample("qcow.header.broken", Qcow)
def _(im):
    im.bits = 8


@sample("qcow.header.small", Qcow)
def _(im):
    im.size, im.l1, im.l2, im.clusters, im.end = 1, [], [[0] * 64] * 2, 8, 512


@sample("qcow.l1.cut", Qcow)
def _(im):
    im.l1, im.end = [], 56


@sample("qcow.l1.unaligned", Qcow)
def _(im):
    im.all_below_first()
    im.l1[1] += 8


@sample("qcow.l1.outside", Qcow)
def _(im):
    im.all_below_first()
    im.l1[1] = 8 * im.C


@sample("qcow.l1.doubled", Qcow)
def _(im):
    im.all_below_first()
    im.l1[1] = im.l1[0]


@sample("qcow.l1.empty", Qcow)
def _(im):
    im.l1 = [0, 0]


@sample("qcow.l2.orphan", Qcow)
def _(im):
    im.l1[1] = 0


@sample("qcow.l2.unaligned", Qcow)
def _(im):
    im.l2[0][2] = 4 * im.C + 8


@sample("qcow.l2.outside", Qcow)
def _(im):
    im.l2[0][2] = 8 * im.C


@sample("qcow.l2.empty", Qcow)
def _(im):
    im.l2[0][2] = 1 << 63 | 7 * im.C


@sample("qcow.l2.doubled", Qcow)
def _(im):
    im.l2[0][2] = 4 * im.C


@sample("qcow.cluster.leak", Qcow)
def _(im):
    im.l2[0][1] = 0


# ---- cow -----------------------------------------------------------------------------------------

@sample("cow.header.broken", Cow)
def _(im):
    im.size = 1 << 60


@sample("cow.header.bits", CowOld)
def _(im):
    im.size = 232 * 8 * 512 + 512


@sample("cow.bitmap.cut", Cow)
def _(im):
    im.bits, im.end = [], 1057


@sample("cow.bitmap.behind", Cow)
def _(im):
    im.bits.append(13)


@sample("cow.data.outside", Cow)
def _(im):
    im.end = 1536 + 9 * 512 - 1


@sample("cow.data.unlisted", Cow)
def _(im):
    im.bits.remove(1)


@sample("cow.data.behind", Cow)
def _(im):
    im.behind = b"."


# ---- raw -----------------------------------------------------------------------------------------

@sample("raw.gpt.cut", Raw, end=16)
def _(im):
    pass


@sample("raw.gpt.behind", Raw, end=7)
def _(im):
    pass


@sample("raw.gpt.first", Raw)
def _(im):
    im.spoilt = [1]


@sample("raw.gpt.second", Raw)
def _(im):
    im.spoilt = [7]


def store(folder, name, raw):
    if len(raw) > 16384:
        name, raw = name + ".xz", lzma.compress(raw, check=lzma.CHECK_CRC32)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(raw)


# ---- LUKS ----------------------------------------------------------------------------------------

class Luks:
    """LUKS1: a header, no key material, two sectors."""

    SUFFIX = ".luks"

    def __init__(self):
        self.slots, self.uuid = [(LUKS_ACTIVE, 1000)], b"00000000-0000-4000-8000-000000000000"
        self.key_len, self.end = 16, (LUKS_PAYLOAD + 2) * 512
        self.payload = LUKS_PAYLOAD

    def finish(self):
        raw = struct.pack(
            ">6sH32s32s32sII20s32sI40s", b"LUKS\xba\xbe", 1, b"aes", b"cbc-essiv:sha256",
            b"sha256", self.payload, self.key_len, b"digest", b"salt", 1000, self.uuid)
        for i in range(8):
            state, rounds, *at = self.slots[i] if i < len(self.slots) else (LUKS_INACTIVE, 0)
            raw += struct.pack(">II32sII", state, rounds, b"salt",
                               at[0] if at else 8 + i * LUKS_STEP, 4000)
        return raw.ljust(self.end, b"\0")


class Luks2:
    """LUKS2: both copies of a header with one key slot without material, two sectors."""

    SUFFIX = ".luks"
    COPY, AREA, DATA = 16384, 131072, 262144

    def __init__(self):
        self.seqids, self.flip = [3, 3], None

    def copy(self, second):
        digest = base64.b64encode(b"d" * 32).decode()
        salt = base64.b64encode(b"s" * 32).decode()
        text = json.dumps({
            "keyslots": {"0": {
                "type": "luks2", "key_size": 16,
                "af": {"type": "luks1", "stripes": 4000, "hash": "sha256"},
                "area": {"type": "raw", "offset": str(2 * self.COPY), "size": str(self.AREA),
                         "encryption": "aes-cbc-essiv:sha256", "key_size": 16},
                "kdf": {"type": "pbkdf2", "hash": "sha256", "iterations": 1000, "salt": salt}}},
            "tokens": {},
            "segments": {"0": {"type": "crypt", "offset": str(self.DATA), "size": "dynamic",
                               "iv_tweak": "0", "encryption": "aes-cbc-essiv:sha256",
                               "sector_size": 512}},
            "digests": {"0": {"type": "pbkdf2", "keyslots": ["0"], "segments": ["0"],
                              "hash": "sha256", "iterations": 1000, "salt": salt,
                              "digest": digest}},
            "config": {"json_size": str(self.COPY - 4096), "keyslots_size": str(self.AREA)},
        }).encode()
        raw = bytearray(struct.pack(
            ">6sHQQ48s32s64s40s48sQ", b"SKUL\xba\xbe" if second else b"LUKS\xba\xbe", 2, self.COPY,
            self.seqids[second], b"", b"sha256", b"t" * 64,
            b"00000000-0000-4000-8000-000000000000", b"", self.COPY * second).ljust(4096, b"\0"))
        raw += text.ljust(self.COPY - 4096, b"\0")
        raw[448:480] = hashlib.sha256(raw).digest()
        return raw

    def finish(self):
        raw = self.copy(0) + self.copy(1)
        if self.flip is not None:
            raw[self.flip] ^= 1
        return bytes(raw.ljust(self.DATA + 1024, b"\0"))


@sample("luks.header.broken", Luks)
def _(im):
    im.key_len = 0


@sample("luks.header.copy", Luks2)
def _(im):
    im.flip = 5000


@sample("luks.header.older", Luks2)
def _(im):
    im.seqids[1] = 2


@sample("luks.header.uuid", Luks)
def _(im):
    im.uuid = b"\xff" * 40


@sample("luks.slot.broken", Luks)
def _(im):
    im.slots.append((LUKS_ACTIVE, 0))


@sample("luks.slot.overlap", Luks)
def _(im):
    im.slots.append((LUKS_INACTIVE, 0, LUKS_STEP))


@sample("luks.slot.none", Luks)
def _(im):
    im.slots = []


@sample("luks.data.apart", Luks)
def _(im):
    im.payload, im.end = 0, LUKS_PAYLOAD * 512


@sample("luks.data.cut", Luks)
def _(im):
    im.end = LUKS_PAYLOAD * 512 - 1


@sample("luks.data.ragged", Luks)
def _(im):
    im.end -= 1


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for name, (make, how, change) in SAMPLES.items():
        im = make(**how)
        change(im)
        store(folder, name + make.SUFFIX, im.finish())
    store(folder, "below.bin", vmdk.Sparse(name="below").finish())
    store(folder, "data.raw", b"the data file of three samples\n".ljust(4096, b"."))


if __name__ == "__main__":
    main()
