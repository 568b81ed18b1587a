# SPDX-License-Identifier: LGPL-2.1-or-later
"""Archives as no program makes them, in the current folder; archives-lying.sh says what each is for."""

import io
import lzma
import os
import struct
import subprocess
import tarfile
import zipfile
import zlib

BLOCK, SECTOR = 512, 2048
DISK = b"".join(b"%d\n" % i for i in range(9000))[:40 * BLOCK]
HUGE = 1 << 62


def write(name, *parts):
    with open(name, "wb") as f:
        f.write(b"".join(parts))


def padded(data, unit=BLOCK):
    return data + bytes(-len(data) % unit)


# ---- tar -------------------------------------------------------------------------------------------


def octal(value):
    return b"%011o\0" % value


def base256(value):
    return (value & ((1 << 96) - 1) | 1 << 95).to_bytes(12, "big")


def header(name, size, kind=b"0", link=b""):
    """size: a number, or the 12 bytes of the field."""
    field = size if isinstance(size, bytes) else octal(size)
    raw = bytearray(struct.pack("100s8s8s8s12s12s8s1s100s8s", name, b"0000644", b"0000000", b"0000000",
                                field, octal(0), b" " * 8, kind, link, b"ustar\00000"))
    raw += bytes(BLOCK - len(raw))
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def member(name, data=DISK, kind=b"0", size=None):
    return header(name, len(data) if size is None else size, kind) + padded(data)


def pax(**records):
    """What the next member is called instead, and so on."""
    text = b""
    for key, value in records.items():
        line = b" %s=%s\n" % (key.replace("_", ".").encode(), str(value).encode())
        size = len(line) + 1
        while size != len(line) + len(str(size)):
            size = len(line) + len(str(size))
        text += str(size).encode() + line
    return member(b"pax", text, b"x")


def tar(name, *parts):
    write(name, *parts, bytes(2 * BLOCK))


def sparse(entries, real, data):
    """A sparse member as GNU tar writes it in pax archives: its map is in front of its data."""
    numbers = [len(entries)] + [n for entry in entries for n in entry]
    table = padded(b"".join(b"%d\n" % n for n in numbers))
    return (pax(GNU_sparse_major=1, GNU_sparse_minor=0, GNU_sparse_name="disk.raw", GNU_sparse_realsize=real) +
            member(b"GNUSparseFile.0/disk.raw", table + data))


def tars():
    tar("negative.tar", member(b"disk.raw", size=base256(-1)))
    tar("huge.tar", member(b"disk.raw", size=base256(HUGE)))
    tar("no-number.tar", member(b"disk.raw", size=b"9z9z9z9z9z9\0"))
    tar("pax-size.tar", pax(size=HUGE) + member(b"disk.raw"))
    tar("pax-negative.tar", pax(size=-1) + member(b"disk.raw"))
    tar("pax-path.tar", pax(path="../../elsewhere/evil.raw") + member(b"disk.raw"))
    tar("pax-link.tar", pax(linkpath="/etc/passwd") + member(b"disk.raw", b"", b"2"))
    tar("absolute.tar", member(b"/etc/evil.raw"))
    tar("hard.tar", header(b"disk.raw", 0, b"1", b"/etc/passwd"))
    tar("hard-bytes.tar", header(b"disk.raw", len(DISK), b"1", b"/etc/passwd") + DISK)
    tar("through.tar", header(b"in", 0, b"2", b"/etc"), member(b"in/passwd"))
    tar("device.tar", header(b"disk.raw", 0, b"4"), header(b"fifo.raw", 0, b"6"))
    tar("map-backward.tar", sparse([(1024, 512), (0, 512)], 2048, DISK[:1024]))
    tar("map-overlap.tar", sparse([(0, 1024), (512, 1024)], 2048, DISK[:2048]))
    tar("map-beyond.tar", sparse([(0, 512), (4096, 512)], 2048, DISK[:1024]))
    tar("map-endless.tar", sparse([(0, 512), (HUGE, 512)], HUGE + 512, DISK[:1024]))
    tar("map-huge.tar", pax(GNU_sparse_major=1, GNU_sparse_minor=0, GNU_sparse_name="disk.raw",
                            GNU_sparse_realsize=2048) + member(b"x", padded(b"%d\n" % HUGE)))
    tar("many.tar", header(b"again.raw", 0) * 17000)
    inner = DISK
    for i in range(7):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as out:
            entry = tarfile.TarInfo("disk.raw")
            entry.size = len(inner)
            out.addfile(entry, io.BytesIO(inner))
        inner = packed.getvalue()
    write("nested.tar", inner)


# ---- zip -------------------------------------------------------------------------------------------


def zipped(method=zipfile.ZIP_DEFLATED, data=DISK):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("disk.raw"), data, method)
    return bytearray(out.getvalue())


class OneWay(io.FileIO):
    """A file like a pipe: what is written into it tells sizes behind the data alone."""

    def __init__(self, name):
        super().__init__(name, "w")

    def seekable(self):
        return False

    def tell(self):
        raise io.UnsupportedOperation


def lying_zip(name, size=None, packed=None, method=zipfile.ZIP_DEFLATED):
    """Both headers of the member say other sizes than it has."""
    raw = zipped(method)
    central = raw.index(b"PK\1\2")
    for at in (18, central + 20):
        if packed is not None:
            struct.pack_into("<I", raw, at, packed)
        if size is not None:
            struct.pack_into("<I", raw, at + 4, size)
    write(name, raw)


def zips():
    lying_zip("longer.zip", size=len(DISK) + 512)
    lying_zip("shorter.zip", size=len(DISK) - 512)
    lying_zip("most.zip", size=0xfffffffe)
    lying_zip("beyond.zip", packed=0x7fffffff)
    lying_zip("stored.zip", size=0x7fffffff, packed=0x7fffffff, method=zipfile.ZIP_STORED)
    raw = zipped()
    write("cut.zip", raw[:raw.index(b"PK\1\2") - 200])
    write("no-end.zip", raw[:-22])
    struct.pack_into("<I", raw, len(raw) - 6, 0xfffffff0)
    write("astray.zip", raw)
    write("bomb.zip", zipped(data=bytes(64 << 20)))
    with zipfile.ZipFile(OneWay("streamed.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("disk.raw", bytes(4 << 20))
    link = io.BytesIO()
    with zipfile.ZipFile(link, "w") as archive:
        entry = zipfile.ZipInfo("disk.raw")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    write("link.zip", link.getvalue())


# ---- 7z --------------------------------------------------------------------------------------------


def number(value):
    """As 7z writes them: the bits that are set in front say how many bytes follow."""
    return b"\xff" + struct.pack("<Q", value)


def seven(name, listed, data=DISK, offset=None, size=None):
    head = struct.pack("<QQI", len(data) if offset is None else offset,
                       len(listed) if size is None else size, zlib.crc32(listed))
    write(name, b"7z\xbc\xaf\x27\x1c\0\4", struct.pack("<I", zlib.crc32(head)), head, data, listed)


def listing(packed=len(DISK), size=len(DISK), files=1, more=0):
    """One file, stored: where it is packed, how it is unpacked, and its name, with more bytes behind it."""
    name = b"\0" + "disk.raw\0".encode("utf-16le") + bytes(more)
    return (b"\1\4\6" + number(0) + number(1) + b"\t" + number(packed) + b"\0" +
            b"\7\x0b" + number(1) + b"\0" + b"\1\1\0" + b"\x0c" + number(size) + b"\0" + b"\x08\0\0" +
            b"\5" + number(files) + b"\x11" + number(len(name)) + name + b"\0\0")


QUICK = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC3, "depth": 1,
         "nice_len": 273}


def packed_listing(plain, packed):
    """Of a list that lies compressed behind the disk."""
    return (b"\x17\6" + number(len(DISK)) + number(1) + b"\t" + number(len(packed)) + b"\0\7\x0b" + number(1) +
            b"\0\1\x23\3\1\1\5\x5d" + struct.pack("<I", QUICK["dict_size"]) + b"\x0c" + number(len(plain)) +
            b"\x0a\1" + struct.pack("<I", zlib.crc32(plain)) + b"\0\0")


def sevens():
    seven("whole.7z", listing())
    seven("beyond.7z", listing(), offset=HUGE)
    seven("list-size.7z", listing(), size=HUGE)
    seven("files.7z", listing(files=HUGE))
    seven("packed.7z", listing(packed=HUGE))
    seven("size.7z", listing(packed=HUGE, size=HUGE))
    seven("noise.7z", DISK[:300])
    bomb = listing(more=20 << 20)
    packed = lzma.compress(bomb, lzma.FORMAT_RAW, filters=[QUICK])
    seven("list-bomb.7z", packed_listing(bomb, packed), DISK + packed)
    seven("list-long.7z", bomb)
    with open("whole.7z", "rb") as f:
        raw = f.read()
    write("cut.7z", raw[:9000])
    write("cut-list.7z", raw[:-9])
    write("head.7z", raw[:20])


# ---- cpio, iso9660 ---------------------------------------------------------------------------------


def cpio(name, size, name_size, data=DISK):
    fields = [1, 0o100644, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0]
    write(name, b"070701" + b"".join(b"%08x" % field for field in fields), b"disk.raw\0\0\0\0"[:10], data)


def cpios():
    cpio("cut.cpio", 1 << 20, 9)
    cpio("name.cpio", len(DISK), 0xffffffff)
    cpio("long-name.cpio", len(DISK), 300 << 20)
    os.truncate("long-name.cpio", 400 << 20)


def record(name, block, flags):
    """Of a folder: what is called name lies in one block."""
    raw = struct.pack("<BBIxxxxIxxxx7xBBBHxxB", 33 + len(name), 0, block, SECTOR, flags, 0, 0, 1, len(name)) + name
    raw += bytes(len(raw) % 2)
    return bytes([len(raw)]) + raw[1:]


def crowd(raw):
    """Each folder has the next one twice; a file that lies in front lets libarchive go back for the other."""
    first, last = 23, 40
    for block in range(first, last + 1):
        records = record(b"\0", block, 2) + record(b"\1", first, 2)
        if block < last:
            records += record(b"F", 20, 0) + record(b"A", block + 1, 2) + record(b"B", block + 1, 2)
        raw[block * SECTOR:(block + 1) * SECTOR] = padded(records, SECTOR)
    write("crowd.iso", raw)


def isos():
    """A folder in a folder that is the other one."""
    os.makedirs("d/e")
    subprocess.run(["bsdtar", "-cf", "loop.iso", "--format", "iso9660",
                    "--options", "!joliet,!rockridge", "disk.raw", "d"], check=True)
    with open("loop.iso", "rb") as f:
        raw = bytearray(f.read())
    outer, inner = (raw.index(b"\2\0\0\1\0\0\1\1" + name) - 25 for name in (b"D", b"E"))
    long = raw[:]
    for record in (outer, 16 * SECTOR + 156):
        struct.pack_into("<I", long, record + 10, 300 << 20)
        struct.pack_into(">I", long, record + 14, 300 << 20)
    struct.pack_into("<I", long, 16 * SECTOR + 80, 200 << 10)
    struct.pack_into(">I", long, 16 * SECTOR + 84, 200 << 10)
    write("folder.iso", long)
    os.truncate("folder.iso", 400 << 20)
    crowd(raw[:])
    raw[inner + 2:inner + 10] = raw[outer + 2:outer + 10]
    write("loop.iso", raw)


# ---- Compressed ------------------------------------------------------------------------------------


def filters():
    # xz: the flags of the first block say a dictionary of 1.5 GiB.
    raw = bytearray(lzma.compress(DISK, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}]))
    at = raw.index(b"\x21\1", 12) + 2
    raw[at] = 39
    size = (raw[12] + 1) * 4
    struct.pack_into("<I", raw, 12 + size - 4, zlib.crc32(raw[12:12 + size - 4]))
    write("dictionary.xz", raw)
    # A frame of zstd whose window is the largest that there can be, and one raw block.
    write("window.zst", b"\x28\xb5\x2f\xfd\0" + bytes([(41 - 10) << 3]) + b"\1\0\0")
    # lzip: a dictionary of 512 MiB.
    write("dictionary.lz", b"LZIP\1\x1d" + DISK[:200])


write("disk.raw", DISK)
for make in (tars, zips, sevens, cpios, isos, filters):
    make()
