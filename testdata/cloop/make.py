#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Makes the samples in this folder that no tool at hand can make:

    python3 testdata/cloop/make.py [FOLDER]

Written from the layout of the format alone, without code of the driver and without the libraries
that it uses for lz4 and lzo.  The same bytes come out every time.  README says what each sample is;
"disks" has the SHA-256 of what a guest sees in it.
"""

import hashlib
import lzma
import os
import struct
import sys
import zlib

ZLIB, NONE, XZ, LZ4, LZO = range(5)
LINE = 64  # bytes after which the text of a block repeats


def text(n, length):
    """Bytes that tell where they come from."""
    return (b"block %d of a small disk\n" % n).ljust(LINE, b".") * (length // LINE + 1)


# ---- Compressors -----------------------------------------------------------------------------------

def lz4_number(n):
    """What is left of a length after the 15 that fit in four bits."""
    return b"\xff" * (n // 255) + bytes([n % 255])


def pack_lz4(raw):
    """
    One line as it is, a match at that distance, and five bytes as they are, which is how a block
    has to end.
    """
    first, middle, last = raw[:LINE], len(raw) - LINE - 5, raw[-5:]
    packed = bytes([15 << 4 | 15]) + lz4_number(len(first) - 15) + first
    packed += struct.pack("<H", LINE) + lz4_number(middle - 4 - 15)
    return packed + bytes([len(last) << 4]) + last


def pack_lzo(raw):
    """One line as it is, a match at that distance for all the rest, and the mark of the end."""
    packed = bytes([17 + LINE]) + raw[:LINE]
    rest = len(raw) - LINE - 33
    zeros = (rest - 1) // 255
    packed += bytes([32]) + bytes(zeros) + bytes([rest - 255 * zeros])
    packed += struct.pack("<H", (LINE - 1) << 2)
    return packed + b"\x11\x00\x00"


def pack(raw, how, level):
    if how == ZLIB:
        return zlib.compress(raw, level)
    if how == XZ:
        return lzma.compress(raw, check=lzma.CHECK_CRC32)
    return raw if how == NONE else (pack_lz4 if how == LZ4 else pack_lzo)(raw)


# ---- Images ----------------------------------------------------------------------------------------

class Image:
    def __init__(self, blocks, block=4096, version="2.0", last=None, **how):
        """blocks: the compressor of each; last: bytes in the last one, when it is not whole."""
        self.block, self.version = block, version
        self.header_last = how.get("header_last", False)
        self.compressors, self.level = blocks, how.get("level", 6)
        self.order = how.get("order", ">")
        self.contents = [text(i, block)[:block] for i in range(len(blocks))]
        if last:
            self.contents[-1] = self.contents[-1][:last]
        self.blocks = len(blocks)
        self.note = how.get("note", b"")
        self.size = how.get("size")  # of the disk, when the last block holds more
        self.gap = how.get("gap", 0)  # bytes in front of the first block
        self.end = None  # where the file is cut off
        self.layout()

    def width(self):
        return 4 if self.version == "0.68" else 8

    def layout(self):
        """Where the blocks lie, and their entries."""
        index_len = self.width() * (len(self.contents) + 1)
        at = self.gap + (0 if self.header_last else 136 + index_len)
        self.packed = [pack(raw, how, self.level)
                       for raw, how in zip(self.contents, self.compressors)]
        self.entries = []
        for stored, how in zip(self.packed, self.compressors):
            self.entries.append(how << 60 | at)
            at += len(stored)
        self.entries.append(at)

    def script(self):
        line = b"" if self.version == "0.68" else b"#V%s Format\n" % self.version.encode()
        module = b"insmod cloop.o" if self.version < "2" else b"modprobe cloop"
        return (b"#!/bin/sh\n" + line + module + b" file=$0 && mount -r -t iso9660 /dev/cloop $1\n"
                b"exit $?\n" + self.note).ljust(128, b"\0")

    def header(self):
        return self.script() + struct.pack(">II", self.block, self.blocks)

    def index(self):
        return b"".join(struct.pack(self.order + ("I" if self.width() == 4 else "Q"), e)
                        for e in self.entries)

    def finish(self):
        data = b"\xee" * self.gap + b"".join(self.packed)
        if self.header_last:
            return (data + self.index() + self.header())[:self.end]
        return (self.header() + self.index() + data)[:self.end]

    def disk(self):
        return b"".join(self.contents)[:self.size]


SAMPLES = {}


def sample(name, *args, **how):
    def remember(change):
        SAMPLES[name] = (args, how, change)
        return change
    return remember


def plain(name, *args, **how):
    sample(name, *args, **how)(lambda im: None)


FIVE = [ZLIB] * 5
MIXED = [ZLIB, NONE, XZ, LZ4, LZO, NONE, ZLIB]

plain("good-v0", FIVE, version="0.68")
plain("good-v1-little", FIVE, version="1.0", order="<")
plain("good-v1-big", FIVE, version="1.0")
plain("good-v2", FIVE)
plain("good-v2-stored", FIVE, level=0)
plain("good-v2-short-last", FIVE, last=1000)
plain("good-v2-one-short", [ZLIB], last=77)
plain("good-v2-odd-blocks", FIVE, block=1536)
plain("good-v2-note", FIVE, note=b"#size 20000\n", size=20000)
plain("good-v2-wrong-note", FIVE, note=b"#size 20481\n")
plain("good-v2-gap", FIVE, gap=1000)
plain("good-v2-last", FIVE, header_last=True)
plain("good-empty", [])
plain("good-v4-empty-last", [], version="4.0", header_last=True)
for number, name in enumerate(("zlib", "none", "xz", "lz4", "lzo")):
    plain("good-v4-" + name, [number] * 3, version="4.0")
    plain("good-v4-short-" + name, [number] * 3, version="4.0", last=1000, header_last=True)
plain("good-v4-mixed", MIXED, version="4.0")
plain("good-v4-mixed-last", MIXED, version="4.0", header_last=True)

plain("unsupported-v3", FIVE, version="3.0")


@sample("bad-block-size-0", FIVE)
def _(im):
    im.block = 0


@sample("bad-block-size-odd", FIVE)
def _(im):
    im.block = 4100


@sample("bad-block-size-huge", FIVE)
def _(im):
    im.block = (64 << 20) + 512


@sample("bad-no-room", FIVE, version="4.0", header_last=True)
def _(im):
    im.blocks = 0xFFFFFFFF


@sample("bad-order-unknown", FIVE, version="1.0")
def _(im):
    im.entries[0] += 1


@sample("bad-blocks-huge", FIVE)
def _(im):
    im.blocks = 0xFFFFFFFF


@sample("bad-cut-in-header", FIVE)
def _(im):
    im.end = 135


@sample("bad-cut-in-index", FIVE)
def _(im):
    im.end = 136 + 3 * 8 + 1


@sample("bad-cut-in-data", FIVE)
def _(im):
    im.end = im.entries[4] + 1


@sample("bad-entry-order", FIVE)
def _(im):
    im.entries[2] = im.entries[0]


@sample("bad-entry-inside", FIVE)
def _(im):
    im.entries[0] = 136


@sample("bad-entry-outside", FIVE)
def _(im):
    im.entries[5] += 1


@sample("bad-entry-size", FIVE)
def _(im):
    im.entries[3] = im.entries[2]


@sample("bad-entry-compressor", MIXED, version="4.0")
def _(im):
    im.entries[3] |= 8 << 60


@sample("bad-none-short", [NONE] * 3, version="4.0")
def _(im):
    im.entries[1] -= 1


for number, name in enumerate(("zlib", "none", "xz", "lz4", "lzo")):
    if number != NONE:
        @sample("bad-v4-" + name, [number] * 3, version="4.0")
        def _(im):
            middle = bytearray(im.packed[1])
            middle[-12:] = bytes(12)
            im.packed[1] = bytes(middle)


@sample("bad-short-middle", FIVE)
def _(im):
    im.contents[2] = im.contents[2][:1000]
    im.layout()


@sample("bad-xz-memory", [XZ] * 3, version="4.0")
def _(im):
    """A dictionary of 4 GiB."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 24}]
    raw = bytearray(lzma.compress(im.contents[0], check=lzma.CHECK_CRC32, filters=filters))
    raw[16] = 40  # the size of the dictionary, in the header of the block
    raw[20:24] = struct.pack("<I", zlib.crc32(raw[12:20]))
    im.packed[0] = bytes(raw)
    for i in range(1, 4):
        im.entries[i] += len(raw) - len(im.packed[1])


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "disks"), "w") as disks:
        for name, (args, how, change) in SAMPLES.items():
            im = Image(*args, **how)
            change(im)
            with open(os.path.join(folder, name + ".cloop"), "wb") as f:
                f.write(im.finish())
            if name.startswith("good-"):
                disks.write("%s  %s\n" % (hashlib.sha256(im.disk()).hexdigest(), name))


if __name__ == "__main__":
    main()
