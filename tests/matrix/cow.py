# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where everything lies in a sound cow image.  Written for the judge alone, as vdi.py."""

import struct
from collections import namedtuple

SECTOR = 512
VERSION = 4
Place = namedtuple("Place", "at len")
Mapping = namedtuple("Mapping", "data")
# Where fields stand, and what the numbers of the header are in: order as struct has it.
Layout = namedtuple("Layout", "order name name_len size sector align bitmap")
LAYOUTS = {
    "uml-1": Layout("<", 8, 256, 268, 276, None, 280),
    "uml-2": Layout(">", 8, 4096, 4108, 4116, None, 4120),
    "uml-3": Layout(">", 32, 4096, 12, 20, 24, 4096 * 2),
    "qemu": Layout(">", 8, 1024, 1040, 1048, None, 1056),
}


def round_up(n, unit):
    return -(-n // unit) * unit


def kind_of(raw):
    if struct.unpack_from("<I", raw, VERSION)[0] == 1:
        return "uml-1"
    if struct.unpack_from(">I", raw, VERSION)[0] == 3:
        return "uml-3"
    return "qemu" if struct.unpack_from(">I", raw, 1048)[0] == SECTOR else "uml-2"


class Cow:
    """Its clusters are sectors."""

    cluster = SECTOR
    qemu_reads = False

    def __init__(self, raw):
        self.raw, self.kind = raw, kind_of(raw)
        self.layout = LAYOUTS[self.kind]
        self.size = struct.unpack_from(self.layout.order + "Q", raw, self.layout.size)[0]
        self.bitmap = Place(self.layout.bitmap, self.size // SECTOR // 8)
        align = 4096 if self.layout.align else SECTOR
        self.data_at = round_up(self.bitmap.at + self.bitmap.len, align)
        self.map = {i: Mapping(Place(self.data_at + i * SECTOR, SECTOR))
                    for i in range(self.size // SECTOR) if self.bit(i)}

    def bit(self, i):
        return self.raw[self.bitmap.at + i // 8] >> i % 8 & 1
