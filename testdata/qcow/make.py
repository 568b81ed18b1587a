#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Makes the samples in this folder that no tool at hand can make:

    python3 testdata/qcow/make.py [FOLDER]

Written from the layout of the format alone, without code of the driver.  The same bytes come out
every time.  README says what each sample is; "disks" has the SHA-256 of what a guest sees in it.
"""

import hashlib
import lzma
import os
import struct
import sys
import zlib

PACKED = 1 << 63


def text(n, length):
    """Bytes that tell where they come from."""
    return (b"cluster %d of a small disk\n" % n).ljust(64, b".") * (length // 64)


def deflate(raw):
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    return packer.compress(raw) + packer.flush()


class Image:
    """Clusters of 512 bytes, tables of 64 entries: 32 KiB below each of them."""

    def __init__(self, kinds, size=None, backing=b"", bits=9, l2_bits=6):
        self.bits, self.l2_bits, self.kinds = bits, l2_bits, kinds
        self.cluster, self.entries = 1 << bits, 1 << l2_bits
        self.size = size if size is not None else len(kinds) * self.cluster
        self.backing, self.crypt, self.version = backing, 0, 1
        self.header = {}  # fields that are not as they should be
        self.l1_off = self.round(48 + len(backing), 8)
        self.n_l1 = -(-self.size // (self.cluster * self.entries))
        self.l1 = [0] * self.n_l1
        self.l2 = {}  # number of the table: its entries
        self.data = {}  # offset: bytes
        self.end = None  # where the file is cut off
        self.used = self.l1_off + 8 * self.n_l1
        self.lay_out()

    @staticmethod
    def round(n, unit):
        return -(-n // unit) * unit

    def take(self, length, align):
        at = self.round(self.used, align)
        self.used = at + length
        return at

    def lay_out(self):
        for i, kind in enumerate(self.kinds):
            if kind == "-":
                continue
            table, entry = divmod(i, self.entries)
            if table not in self.l2:
                self.l2[table] = [0] * self.entries
                self.l1[table] = self.take(8 * self.entries, self.cluster)
            self.l2[table][entry] = self.place(i, kind)

    def place(self, i, kind):
        raw = text(i, self.cluster)
        if kind == "p":
            raw = deflate(raw)
            at = self.take(len(raw), 1)
            self.data[at] = raw
            return PACKED | len(raw) << (63 - self.bits) | at
        at = self.take(len(raw), self.cluster)
        self.data[at] = raw
        return at

    def finish(self):
        fields = {"backing_off": 48 if self.backing else 0, "backing_len": len(self.backing),
                  "bits": self.bits, "l2_bits": self.l2_bits, "crypt": self.crypt,
                  "l1_off": self.l1_off, "size": self.size, "version": self.version}
        fields.update(self.header)
        raw = bytearray(self.round(self.used, self.cluster))
        raw[:48] = struct.pack(
            ">IIQIIQBBHIQ", 0x514649FB, fields["version"], fields["backing_off"],
            fields["backing_len"], 0, fields["size"], fields["bits"], fields["l2_bits"], 0,
            fields["crypt"], fields["l1_off"])
        raw[48:48 + len(self.backing)] = self.backing
        raw[self.l1_off:self.l1_off + 8 * self.n_l1] = struct.pack(">%dQ" % self.n_l1, *self.l1)
        tables = {t: self.l1[t] for t in self.l2 if self.l1[t] in range(len(raw))}
        for table, at in tables.items():
            packed = struct.pack(">%dQ" % self.entries, *self.l2[table])
            raw[at:at + len(packed)] = packed
        for at, some in self.data.items():
            raw[at:at + len(some)] = some
        return bytes(raw[:self.end])

    def disk(self, below=b""):
        raw = b""
        for i, kind in enumerate(self.kinds):
            under = below[i * self.cluster:][:self.cluster].ljust(self.cluster, b"\0")
            raw += under if kind == "-" else text(i, self.cluster)
        return raw[:self.size]


SAMPLES = {}


def sample(name, *args, **how):
    def remember(change):
        SAMPLES[name] = (args, how, change)
        return change
    return remember


def plain(name, *args, **how):
    sample(name, *args, **how)(lambda im: None)


MIXED = "dd-pp-pd" * 8 + "-" * 64 + "--d-" * 5
BASE = b"base of a small disk ".ljust(32, b"-") * 400

plain("good-mixed.qcow", MIXED)
plain("good-odd-size.qcow", MIXED, size=len(MIXED) * 512 - 100)
plain("good-large-clusters.qcow", "pd-p", bits=16, l2_bits=13)
plain("good-small-table.qcow", "pd-p" * 3, bits=12, l2_bits=6)
plain("good-one-byte.qcow", "d", size=1)
plain("good-empty.qcow", "")
plain("good-child.qcow", MIXED, backing=b"base.img")


@sample("good-tables-behind.qcow", MIXED)
def _(im):
    """The L1 table at the end of the file, where nothing is aligned."""
    im.l1_off = im.used = im.used + 5
    im.used += 8 * im.n_l1


@sample("bad-cluster-bits.qcow", MIXED)
def _(im):
    im.header["bits"] = 17


@sample("bad-table-bits.qcow", MIXED)
def _(im):
    im.header["l2_bits"] = 5


@sample("bad-size-huge.qcow", MIXED)
def _(im):
    im.header["size"] = 1 << 63


@sample("bad-name-long.qcow", MIXED)
def _(im):
    im.header.update(backing_off=48, backing_len=1024)


@sample("bad-name-outside.qcow", MIXED)
def _(im):
    im.header.update(backing_off=1 << 40, backing_len=8)


@sample("bad-l1-in-header.qcow", MIXED)
def _(im):
    im.header["l1_off"] = 40


@sample("bad-cut-header.qcow", MIXED)
def _(im):
    im.end = 47


@sample("bad-cut-l1.qcow", MIXED)
def _(im):
    im.end = im.l1_off + 12


@sample("bad-cut-l2.qcow", MIXED)
def _(im):
    im.end = im.l1[0] + 100


@sample("bad-cut-data.qcow", MIXED)
def _(im):
    im.end = im.l1[2] - 600


@sample("bad-l1-unaligned.qcow", MIXED)
def _(im):
    im.l1[0] += 8


@sample("bad-l1-outside.qcow", MIXED)
def _(im):
    im.l1[0] = 1 << 40


@sample("bad-l2-unaligned.qcow", MIXED)
def _(im):
    im.l2[0][0] += 100


@sample("bad-l2-outside.qcow", MIXED)
def _(im):
    im.l2[0][0] = 1 << 40


@sample("bad-packed-empty.qcow", MIXED)
def _(im):
    im.l2[0][3] = PACKED | 4096


@sample("bad-packed-damaged.qcow", MIXED)
def _(im):
    for at in im.data:
        if im.l2[0][3] & (1 << 54) - 1 == at:
            im.data[at] = b"\xff" * len(im.data[at])


@sample("encrypted-aes.qcow", MIXED)
def _(im):
    im.crypt = 1


@sample("unsupported-crypt.qcow", MIXED)
def _(im):
    im.crypt = 2


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    sums = []
    with open(os.path.join(folder, "base.img"), "wb") as f:
        f.write(BASE)
    for name, (args, how, change) in SAMPLES.items():
        im = Image(*args, **how)
        change(im)
        raw = im.finish()
        packed = len(raw) > 65536
        with open(os.path.join(folder, name + ".xz" * packed), "wb") as f:
            f.write(lzma.compress(raw, check=lzma.CHECK_CRC32) if packed else raw)
        if name.startswith("good-"):
            disk = im.disk(BASE if im.backing else b"")
            sums.append("%s %s\n" % (hashlib.sha256(disk).hexdigest(), name[:-5]))
    with open(os.path.join(folder, "disks"), "w") as f:
        f.writelines(sums)


if __name__ == "__main__":
    main()
