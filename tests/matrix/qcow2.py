# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where everything lies in a sound qcow2 image.  Written for the judge alone: it shares nothing
with what it judges, and believes the image."""

import struct
from collections import namedtuple

OFFSET = 0x00FFFFFFFFFFFE00
COMPRESSED = 1 << 62
ZERO = 1
COPIED = 1 << 63
EXTENDED_L2 = 16

# A place in the file, in bytes.
Place = namedtuple("Place", "at len")
# What the disk has in one cluster: where its bytes lie, and the entries that lead there.
Mapping = namedtuple("Mapping", "data compressed l1_entry l2_entry")


def be64(raw, at):
    return struct.unpack_from(">Q", raw, at)[0]


class Qcow2:
    qemu_reads = True

    def __init__(self, raw):
        self.raw = raw
        self.version, _, _, self.bits, self.size = struct.unpack_from(">IQIIQ", raw, 4)
        self.l1_entries, l1_at, reftable_at = struct.unpack_from(">IQQ", raw, 36)
        self.reftable_clusters, n_snapshots, snapshots_at = struct.unpack_from(">IIQ", raw, 56)
        incompatible = be64(raw, 72) if self.version >= 3 else 0
        self.cluster = 1 << self.bits
        self.entry_len = 16 if incompatible & EXTENDED_L2 else 8
        self.per_table = self.cluster // self.entry_len
        self.l1 = Place(l1_at, 8 * self.l1_entries)
        self.reftable = self.used(Place(reftable_at, self.reftable_clusters << self.bits))
        self.refblocks = [Place(at, self.cluster) for at in self.entries(self.reftable) if at]
        self.read_snapshots(n_snapshots, snapshots_at)
        self.map = self.map_of(self.l1)
        self.snapshot_maps = [self.map_of(l1) for l1 in self.snapshot_l1s]

    def entries(self, place):
        return [be64(self.raw, at) for at in range(place.at, place.at + place.len, 8)]

    def used(self, place):
        """Without the empty entries at its end."""
        entries = self.entries(place)
        while entries and not entries[-1]:
            entries.pop()
        return Place(place.at, 8 * len(entries))

    def read_snapshots(self, n, at):
        start, self.snapshot_l1s = at, []
        for _ in range(n):
            l1_at, entries, id_len, name_len = struct.unpack_from(">QIHH", self.raw, at)
            extra_len = struct.unpack_from(">I", self.raw, at + 36)[0]
            self.snapshot_l1s.append(Place(l1_at, 8 * entries))
            at = -(-(at + 40 + extra_len + id_len + name_len) // 8) * 8
        self.snapshot_table = Place(start, at - start)

    def tables(self, l1):
        """(entry of L1, L2 table) of each that there is."""
        return [(Place(l1.at + 8 * i, 8), Place(entry & OFFSET, self.cluster))
                for i, entry in enumerate(self.entries(l1)) if entry & OFFSET]

    def mapping(self, l1_entry, l2_at):
        entry = be64(self.raw, l2_at)
        if entry & COMPRESSED:
            shift = 62 - (self.bits - 8)
            at = entry & ((1 << shift) - 1)
            sectors = (entry & (COMPRESSED - 1)) >> shift
            data = Place(at, (sectors + 1) * 512 - at % 512)
        elif entry & OFFSET and (self.entry_len == 16 or not entry & ZERO):
            data = Place(entry & OFFSET, self.cluster)
        else:
            return None
        return Mapping(data, bool(entry & COMPRESSED), l1_entry, Place(l2_at, self.entry_len))

    def map_of(self, l1):
        """{cluster of the disk: Mapping}"""
        found = {}
        for l1_entry, table in self.tables(l1):
            first = (l1_entry.at - l1.at) // 8 * self.per_table
            for i in range(self.per_table):
                mapping = self.mapping(l1_entry, table.at + i * self.entry_len)
                if mapping:
                    found[first + i] = mapping
        return found
