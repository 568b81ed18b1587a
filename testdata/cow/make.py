#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Makes the samples in this folder:

    python3 testdata/cow/make.py [FOLDER]

Written from the layouts of User-Mode Linux and QEMU alone, without code of the driver.  The same
bytes come out every time.  README says what each sample is; "disks" has the SHA-256 of what a guest
sees in it.
"""

import hashlib
import os
import struct
import sys

SECTOR = 512
NAME = b"base.img"
TIME = 1000000000  # of the last change of base.img, as the samples have it


def text(n, length=SECTOR):
    """Bytes that tell where they come from."""
    return (b"sector %d of a small disk\n" % n).ljust(64, b".") * (length // 64)


def up(n, unit):
    return -(-n // unit) * unit


class Image:
    """Sectors: 'd' is in the file, '-' is not; "layout" is as imginfo calls it."""

    def __init__(self, layout, sectors, size=None, **how):
        self.layout, self.sectors = layout, sectors
        self.size = size if size is not None else len(sectors) * SECTOR
        self.name, self.time = how.get("base", NAME), TIME
        self.sector, self.align = SECTOR, how.get("align", 4096)
        self.order = how.get("order", "<")  # of version 1
        self.magic, self.version, self.format = b"OOOM", None, 0
        self.stray = 0  # bits of the last byte that are for no sector
        self.end = None  # where the file is cut off

    def head(self):
        """The header, and where the bitmap and the data begin."""
        bits = -(-self.size // SECTOR)
        down, rounded = bits // 8, -(-bits // 8)
        if self.layout == "uml-1":
            # magic, version, 256 bytes of name, time, size, bytes of a sector; nothing is aligned
            magic = self.magic[::-1] if self.order == "<" else self.magic
            raw = magic + struct.pack(self.order + "I256sIQI", self.version or 1, self.name,
                                      self.time, self.size, self.sector)
            return raw, len(raw), up(len(raw) + down, SECTOR)
        if self.layout == "uml-2":
            # the same with 4096 bytes of name, and big endian as all that follow
            raw = self.magic + struct.pack(">I4096sIQI", self.version or 2, self.name, self.time,
                                           self.size, self.sector)
            return raw, len(raw), up(len(raw) + down, SECTOR)
        if self.layout == "uml-3":
            # time, size, sector, alignment, format; the name comes last
            raw = self.magic + struct.pack(">IIQIII4096s", self.version or 3, self.time, self.size,
                                           self.sector, self.align, self.format, self.name)
            at = up(len(raw), self.align)
            return raw, at, up(at + rounded, self.align)
        if self.layout == "uml-3-64":
            # a time of 64 bits, which moves all that follows by four bytes; four more at the end
            raw = self.magic + struct.pack(">IQQIII4096s4x", self.version or 3, self.time,
                                           self.size, self.sector, self.align, self.format,
                                           self.name)
            at = up(len(raw), self.align)
            return raw, at, up(at + rounded, self.align)
        # QEMU: 1024 bytes of name, time, and a size that a 64-bit program aligns
        pad = "4x" if self.layout == "qemu" else ""
        raw = self.magic + struct.pack(">I1024sI%sQI%s" % (pad, pad), self.version or 2, self.name,
                                       self.time, self.size, self.sector)
        return raw, len(raw), up(len(raw) + rounded, SECTOR)

    def finish(self):
        raw, bitmap, data = self.head()
        raw = bytearray(raw.ljust(data, b"\0"))
        for i, kind in enumerate(self.sectors):
            if kind == "d":
                raw[bitmap + i // 8] |= 1 << i % 8
        if self.stray:
            raw[bitmap + len(self.sectors) // 8] |= self.stray
        for i, kind in enumerate(self.sectors):
            raw += text(i) if kind == "d" else bytes(SECTOR)
        return bytes(raw[:self.end])

    def disk(self):
        raw = b""
        below = BASE if self.name else b""
        for i, kind in enumerate(self.sectors):
            under = below[i * SECTOR:][:SECTOR].ljust(SECTOR, b"\0")
            raw += text(i) if kind == "d" else under
        return raw[:self.size]


SAMPLES = {}


def sample(name, *args, **how):
    def remember(change):
        SAMPLES[name] = (args, how, change)
        return change
    return remember


def plain(name, *args, **how):
    sample(name, *args, **how)(lambda im: None)


MIXED = "dd-d--d-" * 2 + "-" * 16 + "ddd----dddd"
BASE = b"base of a small disk ".ljust(32, b"-") * 16 * len(MIXED)

for layout in "uml-1", "uml-2", "uml-3", "uml-3-64", "qemu", "qemu-32":
    plain("good-%s.cow" % layout, layout, MIXED)
plain("good-uml-1-big.cow", "uml-1", MIXED, order=">")
plain("good-uml-3-512.cow", "uml-3", MIXED, align=512)
plain("good-qemu-alone.cow", "qemu", MIXED + "dd-", base=b"")
plain("good-qemu-empty.cow", "qemu", "", base=b"")
plain("good-qemu-odd-size.cow", "qemu", MIXED + "dd", size=len(MIXED) * 512 + 700)


@sample("bad-sector-0.cow", "uml-3", MIXED)
def _(im):
    im.sector = 0


@sample("bad-sector-odd.cow", "uml-1", MIXED)
def _(im):
    im.sector = 513


@sample("bad-align-0.cow", "uml-3", MIXED)
def _(im):
    im.head = lambda: (b"OOOM" + struct.pack(">IIQIII", 3, 0, 4096, 512, 0, 0) + NAME, 4128, 4608)


@sample("bad-size-huge.cow", "uml-3", MIXED)
def _(im):
    im.head = lambda: (b"OOOM" + struct.pack(">IIQIII", 3, 0, 1 << 63, 512, 512, 0) + NAME,
                       4608, 5120)


@sample("bad-name-endless.cow", "uml-3", MIXED)
def _(im):
    im.name = b"n" * 4096


@sample("bad-name-missing.cow", "uml-3", MIXED)
def _(im):
    im.name = b"no-such-file"


@sample("bad-cut-header.cow", "uml-2", MIXED)
def _(im):
    im.end = 4119


@sample("bad-cut-bitmap.cow", "uml-2", MIXED)
def _(im):
    im.end = 4121


@sample("bad-cut-data.cow", "uml-2", MIXED)
def _(im):
    im.end = 4608 + 700


@sample("unsupported-version.cow", "uml-3", MIXED)
def _(im):
    im.version = 4


@sample("unsupported-format.cow", "uml-3", MIXED)
def _(im):
    im.format = 1


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    sums = []
    with open(os.path.join(folder, "base.img"), "wb") as f:
        f.write(BASE)
    for name, (args, how, change) in SAMPLES.items():
        im = Image(*args, **how)
        change(im)
        with open(os.path.join(folder, name), "wb") as f:
            f.write(im.finish())
        if name.startswith("good-"):
            sums.append("%s %s\n" % (hashlib.sha256(im.disk()).hexdigest(), name[:-4]))
    with open(os.path.join(folder, "disks"), "w") as f:
        f.writelines(sums)


if __name__ == "__main__":
    main()
