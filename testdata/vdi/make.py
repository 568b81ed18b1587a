#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Makes the samples in this folder that no tool at hand can make:

    python3 testdata/vdi/make.py [FOLDER]

Written from the layout of the format alone, without code of the driver.  The same bytes come out
every time.  README says what each sample is; "disks" has the SHA-256 of what a guest sees in it.
"""

import hashlib
import lzma
import os
import struct
import sys
import uuid

FREE, ZERO = 0xFFFFFFFF, 0xFFFFFFFE
DYNAMIC, FIXED, UNDO, DIFFERENCING = 1, 2, 3, 4
NIL = bytes(16)


def name(n):
    """UUID number n as bytes of a file."""
    return uuid.UUID(int=n << 80 | 0x4000 << 64 | 0x8000 << 48 | n).bytes_le


def text(n, length):
    """Bytes that tell where they come from."""
    return (b"block %d of a small disk\n" % n).ljust(64, b".") * (length // 64)


class Image:
    def __init__(self, entries, size=None, block=4096, **how):
        self.version = how.get("version", (1, 1))
        self.type = how.get("type", DYNAMIC)
        self.block, self.extra = block, how.get("extra", 0)
        self.entries = entries
        self.size = size if size is not None else len(entries) * block
        self.blocks = len(entries)
        used = [e for e in entries if e < ZERO]
        self.allocated = max(used) + 1 if used else 0
        self.uuid, self.modified = how.get("uuid", name(1)), how.get("modified", name(2))
        self.parent = how.get("parent", NIL)
        self.parent_modified = how.get("parent_modified", NIL)
        align = how.get("align", 512)
        self.header_len = how.get("header_len", 400)
        self.map_off = self.round(72 + self.header_len, align)
        self.data_off = self.round(self.map_off + 4 * self.blocks, align)
        self.comment = how.get("comment", b"")
        self.shift = how.get("shift", 0)  # added to the number of a block to get its text
        self.end = None  # where the file is cut off

    @staticmethod
    def round(n, unit):
        return -(-n // unit) * unit

    def header(self):
        kind = struct.pack("<II256s", self.type, 0, self.comment)
        counts = (self.block, self.extra, self.blocks, self.allocated)
        names = self.uuid + self.modified + self.parent
        geometry = struct.pack("<IIII", 0, 0, 0, 512)
        if self.version[0] == 0:
            counts = (self.block, self.blocks, self.allocated)
            return kind + geometry + struct.pack("<QIII", self.size, *counts) + names
        raw = struct.pack("<I", self.header_len) + kind
        raw += struct.pack("<II", self.map_off, self.data_off) + geometry + bytes(4)
        raw += struct.pack("<QIIII", self.size, *counts) + names + self.parent_modified
        return (raw + geometry)[:max(self.header_len, 384)]

    def finish(self):
        raw = b"<<< imgtools sample >>>\n".ljust(64, b"\0")
        raw += struct.pack("<IHH", 0xBEDA107F, self.version[1], self.version[0]) + self.header()
        if self.version[0] == 0:
            self.map_off, self.data_off = len(raw), len(raw) + 4 * self.blocks
        raw = raw.ljust(self.map_off, b"\0")
        raw += struct.pack("<%dI" % len(self.entries), *self.entries)
        raw = bytearray(raw.ljust(self.data_off, b"\0"))
        there = {e: i for i, e in enumerate(self.entries) if e < ZERO}
        block = 0
        while block in there:
            raw += b"\xee" * self.extra + text(there[block] + self.shift, self.block)
            block += 1
        return bytes(raw[:self.end])

    def disk(self, parents):
        """What the guest sees; parents: the images by their UUIDs."""
        below = parents[self.parent].disk(parents) if self.parent != NIL else b""
        below = below.ljust(self.blocks * self.block, b"\0")
        raw = b""
        for i, entry in enumerate(self.entries):
            if entry == FREE:
                raw += below[i * self.block:][:self.block]
            else:
                raw += bytes(self.block) if entry == ZERO else text(i + self.shift, self.block)
        return raw[:self.size]


SAMPLES = {}


def sample(name, *args, **how):
    def remember(change):
        SAMPLES[name] = (args, how, change)
        return change
    return remember


def plain(name, *args, **how):
    sample(name, *args, **how)(lambda im: None)


MIXED = [2, FREE, 0, ZERO, 1, FREE, FREE, 3]

plain("good-small-blocks", MIXED, size=7 * 4096 + 1000, comment=b"blocks of 4 KiB")
plain("good-virtualbox", [0, FREE, 1, ZERO], block=1 << 20, align=1 << 20, uuid=name(3))
plain("good-sectors", [3, 0, FREE, 1, 2], block=512, uuid=name(4))
plain("good-extra", [1, FREE, 0], extra=512, uuid=name(5))
plain("good-fixed", [0, 1, 2], type=FIXED, uuid=name(6))
plain("good-header-384", MIXED, header_len=384, version=(1, 0), uuid=name(7))
plain("good-version-0", MIXED, version=(0, 1), uuid=name(8))
plain("good-empty", [], uuid=name(9))
plain("good-more-blocks", [FREE, 0, FREE, FREE], size=5000, uuid=name(10))
plain("good-child", [FREE, 0, FREE, FREE, ZERO, 1, FREE, FREE], type=DIFFERENCING, uuid=name(20),
      parent=name(1), parent_modified=name(2), shift=100)
plain("good-grandchild", [FREE] * 7 + [0, FREE, 1], type=UNDO, uuid=name(21), parent=name(20),
      parent_modified=name(2), shift=200)

plain("bad-parent-nil", MIXED, block=512, type=DIFFERENCING, uuid=name(30))
plain("bad-parent-missing", MIXED, block=512, type=DIFFERENCING, uuid=name(31), parent=name(99))
plain("bad-parent-changed", MIXED, block=512, type=DIFFERENCING, uuid=name(32), parent=name(1),
      parent_modified=name(98))
plain("bad-parent-itself", MIXED, block=512, type=DIFFERENCING, uuid=name(33), parent=name(33))
plain("bad-header-length", MIXED, block=512, header_len=380, uuid=name(34))
plain("bad-extra", MIXED, block=512, extra=3, uuid=name(35))
plain("unsupported-version", MIXED, block=512, version=(2, 0), uuid=name(36))
plain("unsupported-type", MIXED, block=512, type=5, uuid=name(37))


@sample("bad-block-size-0", MIXED, block=512, uuid=name(51))
def _(im):
    im.size = im.block = 0


@sample("bad-block-size-odd", MIXED, block=512, uuid=name(52))
def _(im):
    im.block = 511


@sample("bad-block-size-huge", MIXED, block=512, uuid=name(53))
def _(im):
    im.finish = lambda real=im.finish: real().replace(struct.pack("<II", 512, 0),
                                                      struct.pack("<II", 1 << 31, 0))


@sample("bad-blocks-huge", MIXED, block=512, uuid=name(54))
def _(im):
    im.blocks = 0xFFFFFFFF


@sample("bad-size", MIXED, block=512, uuid=name(55))
def _(im):
    im.size += 1


@sample("bad-map-in-header", MIXED, block=512, uuid=name(56))
def _(im):
    im.finish = lambda real=im.finish: real().replace(struct.pack("<I", im.map_off),
                                                      struct.pack("<I", 100), 1)


@sample("bad-data-in-map", MIXED, block=512, uuid=name(57))
def _(im):
    im.finish = lambda real=im.finish: real().replace(struct.pack("<I", im.data_off),
                                                      struct.pack("<I", im.map_off + 31), 1)


@sample("bad-cut-in-header", MIXED, block=512, uuid=name(58))
def _(im):
    im.end = 400


@sample("bad-cut-in-map", MIXED, block=512, uuid=name(59))
def _(im):
    im.end = im.map_off + 7


@sample("bad-cut-in-data", MIXED, block=512, uuid=name(60))
def _(im):
    im.end = im.data_off + 3 * 512 + 100


@sample("bad-entry-beyond", [1, 8, 0, FREE], block=512, uuid=name(61))
def _(im):
    pass


@sample("bad-entry-outside", [1, 3, 0, FREE], block=512, uuid=name(62))
def _(im):
    pass


def store(folder, name, raw):
    if len(raw) > 65536:
        name, raw = name + ".xz", lzma.compress(raw, check=lzma.CHECK_CRC32)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(raw)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    images = {}
    for name, (args, how, change) in SAMPLES.items():
        images[name] = Image(*args, **how)
        change(images[name])
        store(folder, name + ".vdi", images[name].finish())
    good = {name: im for name, im in images.items() if name.startswith("good-")}
    parents = {im.uuid: im for im in good.values()}
    with open(os.path.join(folder, "disks"), "w") as f:
        for name, im in good.items():
            f.write("%s  %s\n" % (hashlib.sha256(im.disk(parents)).hexdigest(), name))


if __name__ == "__main__":
    main()
