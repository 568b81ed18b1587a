# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where everything lies in a sound qcow image of version 1.  Written for the judge alone, as vdi.py."""

import struct
from collections import namedtuple

SIZE, CLUSTER_BITS, L2_BITS, CRYPT, L1_AT = 24, 32, 33, 36, 40
COMPRESSED = 1 << 63

Place = namedtuple("Place", "at len")
# What the disk has in one cluster: where its bytes lie, and the entries that lead there.
Mapping = namedtuple("Mapping", "data l2_entry l1_entry")


def be64(raw, at):
    return struct.unpack_from(">Q", raw, at)[0]


class Qcow:
    qemu_reads = True

    def __init__(self, raw):
        self.raw, self.size = raw, be64(raw, SIZE)
        self.bits, self.cluster = raw[CLUSTER_BITS], 1 << raw[CLUSTER_BITS]
        self.entries = 1 << raw[L2_BITS]
        self.l1 = Place(be64(raw, L1_AT), 8 * -(-self.size // (self.cluster * self.entries)))
        self.map, self.tables = {}, []  # tables: (entry of L1, table)
        for i in range(self.l1.len // 8):
            entry = Place(self.l1.at + 8 * i, 8)
            if be64(raw, entry.at):
                table = Place(be64(raw, entry.at), 8 * self.entries)
                self.tables.append((entry, table))
                self.read_table(i * self.entries, entry, table)

    def read_table(self, first, l1_entry, table):
        for i in range(self.entries):
            place = Place(table.at + 8 * i, 8)
            entry = be64(self.raw, place.at)
            if entry and (first + i) * self.cluster < self.size:
                self.map[first + i] = Mapping(self.data(entry), place, l1_entry)

    def data(self, entry):
        if not entry & COMPRESSED:
            return Place(entry, self.cluster)
        shift = 63 - self.bits
        return Place(entry & (1 << shift) - 1, entry >> shift & self.cluster - 1)
