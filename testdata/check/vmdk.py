# SPDX-License-Identifier: LGPL-2.1-or-later
"""VMDK images without a fault, for make.py; what is public may be changed before finish()."""

import struct
import zlib

SECTOR, GRAIN, CAPACITY = 512, 4, 64  # sectors
NO_PARENT = 0xFFFFFFFF
COMPRESSED, MARKERS = 1 << 16, 1 << 17
AT_END = (1 << 64) - 1


def pad(raw):
    return raw + bytes(-len(raw) % SECTOR)


def text(index):
    return (b"grain %d of a sample\n" % index).ljust(32, b".") * (GRAIN * SECTOR // 32)


def descriptor(kind, extent, cid="CID=12345678", parent=NO_PARENT, hint=None):
    lines = ["# Disk DescriptorFile", "version=1", cid, "parentCID=%08x" % parent,
             'createType="%s"' % kind, extent, 'ddb.adapterType = "ide"']
    if hint:
        lines.append('parentFileNameHint="%s"' % hint)
    return pad("\n".join(lines).encode() + b"\n").ljust(2 * SECTOR, b"\0")


def header(version=1, flags=3, grain=GRAIN, rgd=0, gd=0, overhead=16, unclean=0, compression=0):
    return pad(struct.pack("<4sIIQQQQIQQQB4sH", b"KDMV", version, flags, CAPACITY, grain, 1, 2, 512,
                           rgd, gd, overhead, unclean, b"\n \r\n", compression))


class Flat:
    """A descriptor of one extent."""

    SUFFIX = ".vmdk"

    def __init__(self, extent):
        self.extent = extent

    def finish(self):
        return descriptor("monolithicFlat", self.extent).rstrip(b"\0")


class Sparse:
    """A hosted sparse file of 16 grains, of which three are in use; sector 3 is the second GD."""

    SUFFIX = ".vmdk"

    def __init__(self, name="sample"):
        self.name, self.kind, self.described = name, "monolithicSparse", CAPACITY
        self.cid, self.parent, self.hint = "CID=12345678", NO_PARENT, None
        self.head = dict(rgd=3, gd=8)
        self.rgd, self.gd, self.rgt, self.gt = [4], [9], [0] * 16, [0] * 16
        for i, grain in enumerate((0, 1, 5)):
            self.gt[grain] = self.rgt[grain] = 16 + i * GRAIN
        self.more = 0  # bytes behind the last grain

    def stands_on(self, hint, cid):
        self.hint, self.parent = hint, cid

    def finish(self):
        raw = header(**self.head)
        raw += descriptor(self.kind, 'RW %d SPARSE "%s.vmdk"' % (self.described, self.name), self.cid,
                          self.parent, self.hint)
        for gd, gt in ((self.rgd, self.rgt), (self.gd, self.gt)):
            raw += pad(struct.pack("<I", *gd)) + struct.pack("<16I", *gt).ljust(2048, b"\0")
        raw = raw.ljust(16 * SECTOR, b"\0")
        return raw + text(0) + text(1) + text(5) + b"." * self.more


def marker(value, kind):
    return pad(struct.pack("<QII", value, 0, kind))


class Stream:
    """streamOptimized; the directory stands behind the grains."""

    SUFFIX = ".vmdk"

    def __init__(self):
        self.order, self.table = [0, 1, 3], {}  # grains in the file; entries that are wrong
        self.footer, self.footer_version, self.end, self.end_type = True, 3, True, 0
        self.early = False  # an end before the tables

    def finish(self):
        head = dict(flags=1 | COMPRESSED | MARKERS, compression=1, overhead=3)
        raw = header(version=3, gd=AT_END, **head)
        raw += descriptor("streamOptimized", 'RW %d SPARSE "stream.vmdk"' % CAPACITY)
        table = [0] * 512
        for index in self.order:
            packed = zlib.compress(text(index))
            table[index] = len(raw) // SECTOR
            raw += pad(struct.pack("<QI", index * GRAIN, len(packed)) + packed)
        if self.early:
            raw += marker(0, 0)
        for index, place in self.table.items():
            table[index] = len(raw) // SECTOR if place == "table" else place
        raw += marker(4, 1)
        gt = len(raw) // SECTOR
        raw += struct.pack("<512I", *table) + marker(1, 2)
        gd = len(raw) // SECTOR
        raw += pad(struct.pack("<I", gt))
        if self.footer:
            raw += marker(1, 3) + header(version=self.footer_version, gd=gd, **head)
            if self.end:
                raw += marker(0, self.end_type)
        return raw


class SeSparse:
    """An seSparse file of one table, two grains."""

    SUFFIX = ".vmdk"

    def __init__(self):
        self.gd, self.gt = [1 << 60], [3 << 60, 2 << 60, 3 << 60 | 1 << 48] + [0] * 13

    def finish(self):
        fields = [0xCAFEBABE, 0x200000001, 128, 8, 64, 0, 0, 0, 0, 0, 1, 1, 2, 1, 3, 1, 8, 1,
                  16, 64, 80, 1, 81, 1, 88, 16]
        raw = pad(struct.pack("<26Q", *fields)) + pad(struct.pack("<4Q", 0xCAFECAFE, 0, 0, 0))
        raw = raw.ljust(8 * SECTOR, b"\0") + pad(struct.pack("<Q", *self.gd))
        raw = raw.ljust(16 * SECTOR, b"\0") + struct.pack("<16Q", *self.gt)
        return raw.ljust(88 * SECTOR, b"\0") + 2 * text(0) + 2 * text(2)
