#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Makes the samples in this folder, whole ones and broken ones:

    python3 testdata/vmdk/make.py [FOLDER]

The disk of each is 256 KiB or less and says "line N of a small disk" in its first grains.  The same
bytes come out every time.  What each is for stands in the README.
"""

import os
import struct
import sys
import zlib

SECTOR = 512
NO_PARENT = 0xFFFFFFFF
REDUNDANT, ZEROED, COMPRESSED, MARKERS = 2, 4, 1 << 16, 1 << 17
TEXT = b"".join(b"line %d of a small disk\n" % i for i in range(900))


def sectors(raw):
    return len(raw) // SECTOR


def pad(raw, unit=SECTOR):
    return raw + bytes(-len(raw) % unit)


def descriptor(kind, extents, cid=0x12345678, parent=NO_PARENT, hint=None, more=""):
    lines = ["# Disk DescriptorFile", "version=1", "CID=%08x" % cid, "parentCID=%08x" % parent,
             'createType="%s"' % kind]
    if hint:
        lines.append('parentFileNameHint="%s"' % hint)
    lines += ["", "# Extent description"] + extents
    lines += ["", "# The Disk Data Base", "#DDB", "", 'ddb.adapterType = "lsilogic"',
              'ddb.virtualHWVersion = "9"']
    return ("\n".join(lines) + "\n" + more).encode()


def header(capacity, grain, version=1, flags=3, desc=(0, 0), gtes=512, rgd=0, gd=0, overhead=0,
           compression=0, unclean=0, ends=b"\n \r\n"):
    raw = struct.pack("<4sIIQQQQIQQQB4sH", b"KDMV", version, flags, capacity, grain, *desc, gtes,
                      rgd, gd, overhead, unclean, ends, compression)
    return pad(raw)


class Sparse:
    """A hosted sparse file: header, descriptor, two directories with one table each, grains."""

    def __init__(self, name, grain=8, capacity=128, entries=None, kind="monolithicSparse",
                 **about):
        self.grain, self.capacity = grain, capacity
        self.desc = pad(descriptor(kind, ['RW %d SPARSE "%s"' % (capacity, name)],
                                   **about.pop("desc", {})))
        self.head = dict(version=1, flags=3, **about)
        self.entries = entries or {0: "data", 1: "data", 5: "data", 31: None}
        self.rgd_entries, self.rgd_table, self.gd_entry = None, None, None

    def layout(self):
        at = 1 + sectors(self.desc)
        self.rgd, self.rgt, self.gd, self.gt = at, at + 1, at + 5, at + 6
        self.data = -(-(at + 10) // self.grain) * self.grain
        grains, table, place = [], [0] * 512, self.data
        for index, what in self.entries.items():
            if what == "data":
                grains.append(TEXT[index * 100:][:self.grain * SECTOR].ljust(self.grain * SECTOR,
                                                                             b"\0"))
                table[index] = place
                place += self.grain
            elif what is not None:
                table[index] = what
        return table, b"".join(grains)

    def bytes(self, first=None, second=None):
        """first, second: change an entry (index, value) of a table; "gd" is the directory."""
        table, grains = self.layout()
        tables = {"gt": list(table), "rgt": list(table), "gd": [self.gt], "rgd": [self.rgt]}
        for where, index, value in (first or []) + (second or []):
            tables[where][index] = value
        parts = {
            0: header(self.capacity, self.grain, desc=(1, sectors(self.desc)), rgd=self.rgd,
                      gd=self.gd, overhead=self.data, **self.head),
            1: self.desc, self.data: grains,
        }
        for name in tables:
            parts[getattr(self, name)] = struct.pack("<%dI" % len(tables[name]), *tables[name])
        return join(parts)


def join(parts):
    """Bytes at sectors."""
    raw = bytearray(max(at * SECTOR + len(part) for at, part in parts.items()))
    for at, part in parts.items():
        raw[at * SECTOR:at * SECTOR + len(part)] = part
    return bytes(pad(bytes(raw)))


def marker(value, kind):
    return pad(struct.pack("<QII", value, 0, kind))


def stream(capacity=1000, grain=16, order=None, footer=True, lie=None, garbage=None):
    """streamOptimized with the directory at the end; the last grain is shorter."""
    desc = pad(descriptor("streamOptimized", ['RW %d SPARSE "stream.vmdk"' % capacity]))
    head = dict(version=3, flags=1 | COMPRESSED | MARKERS, desc=(1, sectors(desc)), compression=1)
    raw = header(capacity, grain, gd=(1 << 64) - 1, overhead=1 + sectors(desc), **head) + desc
    table = [0] * 512
    last = (capacity - 1) // grain
    for index in order or [0, 1, 7, last]:
        length = min(grain, capacity - index * grain) * SECTOR
        packed = zlib.compress(TEXT[index * 100:][:length].ljust(length, b"\0"))
        if index == garbage:
            packed = packed[:9] + b"\xff" * 9 + packed[18:]
        table[index] = sectors(raw)
        lba = index * grain if index != lie else 3
        raw += pad(struct.pack("<QI", lba, len(packed)) + packed)
    raw += marker(4, 1)
    gt = sectors(raw)
    raw += struct.pack("<512I", *table) + marker(1, 2)
    gd = sectors(raw)
    raw += pad(struct.pack("<I", gt))
    if footer:
        raw += marker(1, 3) + header(capacity, grain, gd=gd, overhead=1 + sectors(desc), **head)
        raw += marker(0, 0)
    return raw


def cowd(capacity=5000, grain=1, entries=(0, 1, 2, 7, 4096, 4999), gd_len=None, cut=None):
    """A COWD file: the directory in sector 4, then tables of 4096 entries, then grains."""
    n_tables = -(-capacity // (4096 * grain))
    directory, tables, place = [0] * n_tables, {}, 8 + 32 * n_tables
    parts = {}
    for index in entries:
        which = index // 4096
        directory[which] = 8 + 32 * which
        tables.setdefault(which, [0] * 4096)[index % 4096] = place
        parts[place] = TEXT[index:][:grain * SECTOR].ljust(grain * SECTOR, b"\0")
        place += grain
    for which, table in tables.items():
        parts[8 + 32 * which] = struct.pack("<4096I", *table)
    parts[0] = struct.pack("<4sIIIIIII", b"COWD", 1, 3, capacity, grain, 4,
                           n_tables if gd_len is None else gd_len, place)
    parts[4] = struct.pack("<%dI" % n_tables, *directory)
    return join(parts)[:cut]


def sesparse(capacity=40000, entries=None, replay=0, directory=None, version=0x200000001):
    """An seSparse file: directory in sector 8, tables from 16 on, grains from 160 on."""
    entries = entries or {0: 0x3 << 60, 1: (0x3 << 60) | (1 << 48), 2: 2 << 60, 3: 1 << 60,
                          9: (0x3 << 60) | (2 << 48), 4096 + 5: (0x3 << 60) | (3 << 48)}
    n_tables = -(-capacity // (4096 * 8))
    tables = [[0] * 4096 for _ in range(n_tables)]
    for index, entry in entries.items():
        tables[index // 4096][index % 4096] = entry
    directory = directory or [(1 << 60) | i for i in range(n_tables)]
    fields = [0xCAFEBABE, version, capacity, 8, 64, 0, 0, 0, 0, 0, 1, 1, 2, 1, 3, 1, 8, 1, 16,
              64 * n_tables, 150, 1, 151, 1, 160, 64]
    parts = {0: struct.pack("<26Q", *fields), 1: struct.pack("<4Q", 0xCAFECAFE, 0, 0, replay),
             8: struct.pack("<%dQ" % n_tables, *directory)}
    for i, table in enumerate(tables):
        parts[16 + 64 * i] = struct.pack("<4096Q", *table)
    parts[160] = TEXT[:4 * 4096].ljust(4 * 4096, b"\0")
    return join(parts)


def put(raw, at, new):
    return raw[:at] + new + raw[at + len(new):]


def samples():
    """Name and bytes of each."""
    plain = Sparse("good-sparse.vmdk")
    whole = plain.bytes()
    gt, data = plain.gt, plain.data
    yield "good-sparse.vmdk", whole
    yield "good-version-3-zeroed.vmdk", Sparse(
        "good-version-3-zeroed.vmdk", entries={0: "data", 1: 1, 2: 1, 9: "data"}).bytes(
    ).replace(struct.pack("<II", 1, 3), struct.pack("<II", 3, 7), 1)
    yield "good-stream.vmdk", stream()
    yield "good-stream-unsorted.vmdk", stream(order=[7, 0, 62, 1])
    yield "good-cowd-alone.vmdk", cowd()
    yield "good-sesparse-alone.vmdk", sesparse()

    yield "flat.bin", TEXT[:40 * SECTOR].ljust(40 * SECTOR, b"\0")
    yield "part.cowd", cowd()
    yield "part.sesparse", sesparse()
    yield "part.sparse", Sparse("part.sparse").bytes()
    yield "good-flat.vmdk", descriptor("monolithicFlat", ['RW 40 FLAT "flat.bin" 0'])
    yield "good-vmfs.vmdk", descriptor("vmfs", ['RW 40 VMFS "flat.bin"'])
    yield "good-mixed.vmdk", descriptor(
        "custom", ['RW 24 FLAT "flat.bin" 16', "RW 100 ZERO", 'RW 128 SPARSE "part.sparse"',
                   'RW 5000 VMFSSPARSE "part.cowd"']).replace(b"\n", b"\r\n")
    yield "good-vmfssparse.vmdk", descriptor("vmfsSparse", ['RW 5000 VMFSSPARSE "part.cowd"'])
    yield "good-sesparse.vmdk", descriptor("seSparse", ['RW 40000 SESPARSE "part.sesparse"'])
    yield "good-delta.vmdk", Sparse("good-delta.vmdk", entries={1: "data", 4: "data"},
                                    desc=dict(cid=0x9ABCDEF0, parent=0x12345678,
                                              hint="good-sparse.vmdk")).bytes()

    yield "good-second-directory.vmdk", plain.bytes([("gd", 0, 0)])
    yield "good-second-table.vmdk", plain.bytes([("gt", 1, 0), ("gt", 5, 0x7FFFFFFF)])

    yield "bad-cut-in-header.vmdk", whole[:300]
    yield "bad-cut-in-data.vmdk", whole[:(data + 12) * SECTOR + 100]
    yield "bad-cut-in-tables.vmdk", whole[:gt * SECTOR - 4 * SECTOR]
    yield "bad-grain-outside.vmdk", plain.bytes([("gt", 5, 1 << 20), ("rgt", 5, 1 << 20)])
    yield "bad-table-outside.vmdk", plain.bytes([("gd", 0, 1 << 30), ("rgd", 0, 1 << 31)])
    yield "bad-grain-size.vmdk", put(whole, 20, struct.pack("<Q", 7))
    yield "bad-capacity-huge.vmdk", put(whole, 12, struct.pack("<Q", 1 << 53))
    yield "bad-capacity-wraps.vmdk", put(whole, 12, struct.pack("<Q", 1 << 62))
    yield "bad-gt-entries.vmdk", put(whole, 44, struct.pack("<I", 0))
    yield "bad-line-ends.vmdk", whole.replace(b"\n \r\n", b"\n \n\n", 1)
    yield "bad-descriptor-cid.vmdk", whole.replace(b"CID=12345678", b"CID=1234567x", 1)
    yield "bad-parent-unnamed.vmdk", whole.replace(b"parentCID=ffffffff", b"parentCID=00000001")

    yield "bad-stream-no-footer.vmdk", stream(footer=False)
    yield "bad-stream-marker.vmdk", stream(lie=7)
    yield "bad-stream-garbage.vmdk", stream(garbage=1)
    yield "bad-cowd-cut.vmdk", cowd(cut=-700)
    yield "bad-cowd-directory.vmdk", cowd(gd_len=1)
    yield "bad-sesparse-directory.vmdk", sesparse(directory=[2 << 60, 1 << 60])
    yield "bad-sesparse-entry.vmdk", sesparse(entries={0: 7 << 60})
    yield "bad-flat-short.vmdk", descriptor("monolithicFlat", ['RW 41 FLAT "flat.bin" 0'])
    yield "bad-capacity-less.vmdk", descriptor("twoGbMaxExtentSparse",
                                               ['RW 129 SPARSE "part.sparse"'])
    yield "bad-extent-absolute.vmdk", descriptor("monolithicFlat", ['RW 40 FLAT "/etc/passwd" 0'])
    yield "bad-extent-dots.vmdk", descriptor("monolithicFlat",
                                             ['RW 40 FLAT "../vmdk/flat.bin" 0'])
    yield "bad-extent-missing.vmdk", descriptor("monolithicFlat", ['RW 40 FLAT "none.bin" 0'])
    yield "bad-extent-size.vmdk", descriptor("monolithicFlat",
                                             ['RW 99999999999999999999 FLAT "flat.bin" 0'])
    yield "bad-extents-none.vmdk", descriptor("monolithicFlat", [])
    yield "bad-extents-huge.vmdk", descriptor("custom", ["RW 9007199254740992 ZERO"] * 4)

    yield "unsupported-version.vmdk", put(whole, 4, struct.pack("<I", 4))
    yield "unsupported-compression.vmdk", put(whole, 77, struct.pack("<H", 2))
    yield "unsupported-journal.vmdk", sesparse(replay=1)
    yield "unsupported-sesparse-version.vmdk", sesparse(version=0x300000001)
    yield "unsupported-device.vmdk", descriptor("fullDevice", ['RW 40 FLAT "/dev/sda" 0'])
    yield "unsupported-rdm.vmdk", descriptor("vmfs", ['RW 40 VMFSRDM "flat.bin"'])
    yield "unsupported-noaccess.vmdk", descriptor("custom", ['NOACCESS 40 FLAT "flat.bin" 0'])
    yield "unsupported-type.vmdk", descriptor("custom", ['RW 40 NEWTYPE "flat.bin" 0'])


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for name, raw in samples():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(raw)


if __name__ == "__main__":
    main()
