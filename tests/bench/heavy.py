#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""heavy.py SIZE CLUSTER_BITS FILE: a qcow2 image of which every cluster is allocated and none has
been written: all that is read of it is metadata.

Sixteen clusters at a time follow each other in the file; these runs lie in no order, as on a disk
that a guest has filled over the years.  SIZE is such that their number is a power of two.
"""
import array
import struct
import sys

COPIED = 1 << 63
RUN = 16
STEP = 1 << 18          # entries that are made at a time
ODD = 0x9E3779B1        # times this, modulo a power of two, no two numbers become the same


def whole(a, b):
    return -(-a // b)


class Layout:
    """Where the parts are, in clusters: header, L1, L2, refcount table, its blocks, data."""

    def __init__(self, size, bits):
        self.size, self.bits, self.cluster = size, bits, 1 << bits
        self.guest = size >> bits
        entries = self.cluster // 8
        self.tables = whole(self.guest, entries)
        self.l1 = 1
        self.l2 = self.l1 + whole(self.tables, entries)
        self.reftable = self.l2 + self.tables
        self.blocks = self.reftable_clusters = 1
        while not self.counts_reach():
            self.blocks = whole(self.total(), self.cluster // 2)
            self.reftable_clusters = whole(self.blocks, entries)

    def data(self):
        return self.reftable + self.reftable_clusters + self.blocks

    def total(self):
        return self.data() + self.guest

    def counts_reach(self):
        return (self.blocks * (self.cluster // 2) >= self.total() and
                self.reftable_clusters * (self.cluster // 8) >= self.blocks)


def put_entries(f, at, entries):
    numbers = array.array("Q", entries)
    if sys.byteorder == "little":
        numbers.byteswap()
    f.seek(at)
    f.write(numbers)


def put_header(f, lay):
    f.write(struct.pack(">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3, 0, 0, lay.bits, lay.size, 0,
                        lay.tables, lay.l1 << lay.bits, lay.reftable << lay.bits,
                        lay.reftable_clusters, 0, 0, 0, 0, 0, 4, 104))


def put_mapping(f, lay):
    put_entries(f, lay.l1 << lay.bits,
                ((lay.l2 + i) << lay.bits | COPIED for i in range(lay.tables)))
    runs, data, bits = lay.guest // RUN, lay.data(), lay.bits
    assert runs & (runs - 1) == 0
    for first in range(0, runs, STEP // RUN):
        starts = (data + i * ODD % runs * RUN for i in range(first, min(first + STEP // RUN, runs)))
        put_entries(f, (lay.l2 << bits) + first * RUN * 8,
                    ((start + i) << bits | COPIED for start in starts for i in range(RUN)))


def put_counts(f, lay):
    first = lay.reftable + lay.reftable_clusters
    put_entries(f, lay.reftable << lay.bits,
                ((first + i) << lay.bits for i in range(lay.blocks)))
    f.seek(first << lay.bits)
    f.write(struct.pack(">H", 1) * lay.total())


def main():
    size, bits, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    lay = Layout(size, bits)
    with open(path, "wb") as f:
        f.truncate(lay.total() << bits)
        put_header(f, lay)
        put_mapping(f, lay)
        put_counts(f, lay)


main()
