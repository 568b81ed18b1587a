# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kinds of damage of qcow images, as in damages.py."""

import struct

import qcow
from qcow import Place, be64
from ways import Damages, randomize, zero

KINDS = Damages()
DAMAGES, damage, field = KINDS.known, KINDS.damage, KINDS.field


def shift(raw, place, rng):
    """All entries by one place."""
    raw[place.at + 8:place.at + place.len] = raw[place.at:place.at + place.len - 8]


def halve(raw, place, rng):
    """The later half is gone."""
    kept = place.len // 16 * 8
    zero(raw, Place(place.at + kept, place.len - kept))


def middle(things):
    return things[len(things) // 2]


def tables(im):
    return [table for _, table in im.tables]


WAYS = {"zero": zero, "random": randomize, "shifted": shift, "half": halve}
PARTS = {"L1": lambda im: [im.l1], "one L2": lambda im: [middle(tables(im))], "all L2": tables}

for part, places in PARTS.items():
    for way, change in WAYS.items():
        @damage("%s %s" % (part, way), lambda im, way=way, part=part:
                (way, part) != ("shifted", "all L2"))
        def _(raw, im, rng, change=change, places=places):
            for place in places(im):
                change(raw, place, rng)


# ---- Header --------------------------------------------------------------------------------------

@damage("header zero")
def _(raw, im, rng):
    zero(raw, Place(0, 48))


@damage("header random")
def _(raw, im, rng):
    randomize(raw, Place(0, 48), rng)


@damage("first sector zero")
def _(raw, im, rng):
    zero(raw, Place(0, 512))


@damage("first 64 KiB random")
def _(raw, im, rng):
    randomize(raw, Place(0, 65536), rng)


field("magic", 0, ">I", 0x7F454C46)
field("disk size huge", qcow.SIZE, ">Q", 1 << 62)
field("disk size zero", qcow.SIZE, ">Q", 0)
field("cluster size", qcow.CLUSTER_BITS, ">B", lambda im: im.bits - 1 if im.bits > 9 else 10)
field("cluster size odd", qcow.CLUSTER_BITS, ">B", 77)
field("L2 size", qcow.L2_BITS, ">B", lambda im: im.entries.bit_length() - 2)
field("L2 size odd", qcow.L2_BITS, ">B", 1)
field("encryption", qcow.CRYPT, ">I", 77)
field("L1 place", qcow.L1_AT, ">Q", lambda im: im.l1.at + 8)
field("L1 place far", qcow.L1_AT, ">Q", lambda im: im.cluster * 20)
field("L1 place outside", qcow.L1_AT, ">Q", 1 << 40)


# ---- The file ------------------------------------------------------------------------------------

@damage("cut in half")
def _(raw, im, rng):
    del raw[len(raw) // 2:]


@damage("cut in the last cluster")
def _(raw, im, rng):
    last = max(mapping.data.at for mapping in im.map.values())
    del raw[last + im.cluster // 3:]


@damage("leaks")
def _(raw, im, rng):
    """Clusters behind the end that nothing refers to."""
    raw += bytes(-len(raw) % im.cluster) + rng.randbytes(5 * im.cluster)


# ---- Single entries ------------------------------------------------------------------------------

def l1_entry(im):
    return middle(im.tables)[0].at


def l2_entry(im):
    return im.map[sorted(im.map)[len(im.map) // 2]].l2_entry.at


def bit(name, entry, number):
    @damage("bit: " + name)
    def _(raw, im, rng):
        at = entry(im)
        struct.pack_into(">Q", raw, at, be64(raw, at) ^ 1 << (
            number(im) if callable(number) else number))


bit("L1 offset, low", l1_entry, lambda im: im.bits + 2)
bit("L1 offset, high", l1_entry, 44)
bit("L1 offset, unaligned", l1_entry, 3)
bit("L2 offset, low", l2_entry, lambda im: im.bits + 2)
bit("L2 offset, high", l2_entry, 44)
bit("L2 offset, unaligned", l2_entry, 3)
bit("L2 compressed", l2_entry, 63)


@damage("L1 entry doubled")
def _(raw, im, rng):
    at = l1_entry(im)
    raw[at:at + 8] = raw[at - 8:at]


@damage("L2 entries doubled")
def _(raw, im, rng):
    """Some entries lead to where their neighbours lead."""
    found = sorted(im.map)
    for c in found[len(found) // 4:len(found) // 4 + 10:2]:
        at = im.map[c].l2_entry.at
        if c + 1 in im.map and im.map[c + 1].l1_entry == im.map[c].l1_entry:
            raw[at + 8:at + 16] = raw[at:at + 8]


@damage("L2 entries lost")
def _(raw, im, rng):
    """A few entries, here and there, are zero."""
    found = sorted(im.map)
    for i in range(5, len(found), len(found) // 7):
        zero(raw, im.map[found[i]].l2_entry)


@damage("L1 entry into data")
def _(raw, im, rng):
    struct.pack_into(">Q", raw, l1_entry(im),
                     next(m.data.at for c, m in sorted(im.map.items())
                          if m.data.len == im.cluster and c > 7))
