# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where everything lies in a sound VDI image.  Written for the judge alone: it shares nothing with
what it judges, and believes the image."""

import struct
from collections import namedtuple

MAP_AT, DATA_AT, SIZE, BLOCK, BLOCKS, ALLOCATED = 340, 344, 368, 376, 384, 388
TYPE, UUID, PARENT = 76, 392, 424
FIXED, CHILD = 2, 4
FREE, ZERO = 0xFFFFFFFF, 0xFFFFFFFE

Place = namedtuple("Place", "at len")
# What the disk has in one block: where its bytes lie, and the entry that leads there.
Mapping = namedtuple("Mapping", "data entry number")


def le32(raw, at):
    return struct.unpack_from("<I", raw, at)[0]


class Vdi:
    def __init__(self, raw):
        self.raw = raw
        self.type = le32(raw, TYPE)
        self.cluster, self.blocks = le32(raw, BLOCK), le32(raw, BLOCKS)
        self.size = struct.unpack_from("<Q", raw, SIZE)[0]
        self.data_at = le32(raw, DATA_AT)
        self.table = Place(le32(raw, MAP_AT), 4 * self.blocks)
        self.qemu_reads = self.cluster == 1 << 20 and self.type != CHILD
        self.map = {}
        for i in range(self.blocks):
            number = le32(raw, self.entry(i).at)
            if number < ZERO:
                self.map[i] = Mapping(self.place(number), self.entry(i), number)

    def entry(self, index):
        return Place(self.table.at + 4 * index, 4)

    def place(self, number):
        return Place(self.data_at + number * self.cluster, self.cluster)
