# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kinds of damage of VDI images, as in damages.py."""

import struct

import vdi
from vdi import CHILD, FIXED, Place, le32

DAMAGES = {}


def always(im):
    return True


def damage(name, applies=None):
    """applies: whether an image has what is to be damaged."""
    def remember(change):
        DAMAGES[name] = (applies or always, change)
        return change
    return remember


# ---- The map -------------------------------------------------------------------------------------

def zero(raw, place, rng=None):
    raw[place.at:place.at + place.len] = bytes(place.len)


def randomize(raw, place, rng):
    raw[place.at:place.at + place.len] = rng.randbytes(place.len)


def free(raw, place, rng=None):
    raw[place.at:place.at + place.len] = b"\xff" * place.len


def later_half(place):
    kept = place.len // 8 * 4
    return Place(place.at + kept, place.len - kept)


def middle(place):
    """A sixteenth."""
    length = place.len // 64 * 4
    return Place(place.at + place.len // 8 * 4, length)


WAYS = {"zero": zero, "random": randomize, "free": free}
PARTS = {"map": lambda place: place, "half of the map": later_half, "part of the map": middle}

for part, of in PARTS.items():
    for way, change in WAYS.items():
        @damage("%s %s" % (part, way))
        def _(raw, im, rng, change=change, of=of):
            change(raw, of(im.table), rng)


@damage("map shifted")
def _(raw, im, rng):
    place = im.table
    raw[place.at + 4:place.at + place.len] = raw[place.at:place.at + place.len - 4]


# ---- Header --------------------------------------------------------------------------------------

def field(name, at, form, value, applies=None):
    """value: bytes, or what gives them for an image."""
    @damage("header " + name, applies)
    def _(raw, im, rng):
        struct.pack_into(form, raw, at, value(im) if callable(value) else value)


@damage("header zero")
def _(raw, im, rng):
    zero(raw, Place(0, 512))


@damage("header random")
def _(raw, im, rng):
    randomize(raw, Place(0, 512), rng)


@damage("first 64 KiB random")
def _(raw, im, rng):
    randomize(raw, Place(0, 65536), rng)


field("magic", 64, "<I", 0x7F454C46)
field("version", 68, "<I", 0x70001)
field("length", 72, "<I", 12)
field("type unknown", vdi.TYPE, "<I", 77)
field("type nil", vdi.TYPE, "<I", 0)
field("map place", vdi.MAP_AT, "<I", lambda im: im.table.at + 512)
field("map place far", vdi.MAP_AT, "<I", 1 << 30)
field("data place", vdi.DATA_AT, "<I", lambda im: im.data_at + 512)
field("data place in map", vdi.DATA_AT, "<I", lambda im: im.table.at)
field("disk size huge", vdi.SIZE, "<Q", 1 << 62)
field("block size odd", vdi.BLOCK, "<I", lambda im: im.cluster + 1)
field("block size double", vdi.BLOCK, "<I", lambda im: 2 * im.cluster)
field("block size half", vdi.BLOCK, "<I", lambda im: im.cluster // 2)
field("blocks fewer", vdi.BLOCKS, "<I", lambda im: im.blocks - 3)
field("blocks more", vdi.BLOCKS, "<I", lambda im: im.blocks + 8)
field("blocks huge", vdi.BLOCKS, "<I", 0xFFFFFFF0)
field("allocated none", vdi.ALLOCATED, "<I", 0)
field("allocated huge", vdi.ALLOCATED, "<I", 0x7FFFFFFF)
field("UUID nil", vdi.UUID, "<16s", b"")


# ---- The file ------------------------------------------------------------------------------------

@damage("cut in half")
def _(raw, im, rng):
    del raw[len(raw) // 2:]


@damage("cut in the last block")
def _(raw, im, rng):
    del raw[len(raw) - im.cluster // 3:]


@damage("leaks", lambda im: im.type != FIXED)
def _(raw, im, rng):
    """Blocks behind the end that are counted and that nothing refers to."""
    raw += rng.randbytes(3 * im.cluster)
    struct.pack_into("<I", raw, vdi.ALLOCATED, le32(raw, vdi.ALLOCATED) + 3)


# ---- Single entries ------------------------------------------------------------------------------

def used(im, part=0.5):
    """The entry of a block in use, and of the ones behind it."""
    found = [m.entry for _, m in sorted(im.map.items())]
    return found[int(len(found) * part):]


def bit(name, number):
    @damage("bit: " + name)
    def _(raw, im, rng):
        at = used(im)[0].at
        struct.pack_into("<I", raw, at, le32(raw, at) ^ 1 << number)


bit("entry, low", 1)
bit("entry, high", 20)
bit("entry, highest", 31)


@damage("entry noise")
def _(raw, im, rng):
    struct.pack_into("<I", raw, used(im)[0].at, 0x12345678)


@damage("entry doubled")
def _(raw, im, rng):
    first, second = used(im)[:2]
    raw[second.at:second.at + 4] = raw[first.at:first.at + 4]


@damage("entries doubled")
def _(raw, im, rng):
    """Some entries lead to where their neighbours lead."""
    for i in range(0, 10, 2):
        first, second = used(im, 0.25)[i:i + 2]
        raw[second.at:second.at + 4] = raw[first.at:first.at + 4]


@damage("entries noise")
def _(raw, im, rng):
    for i in range(0, 15, 3):
        struct.pack_into("<I", raw, used(im, 0.25)[i].at, rng.randrange(1 << 24, 1 << 30))


@damage("entries zero")
def _(raw, im, rng):
    for i in range(0, 15, 3):
        zero(raw, used(im, 0.25)[i])


@damage("entries free")
def _(raw, im, rng):
    for i in range(0, 15, 3):
        free(raw, used(im, 0.25)[i])


@damage("parent nil", lambda im: im.type == CHILD)
def _(raw, im, rng):
    zero(raw, Place(vdi.PARENT, 32))


@damage("entry swapped")
def _(raw, im, rng):
    """What a program that is wrong may do; nothing in the image contradicts it."""
    first, second = used(im)[:2]
    raw[first.at:first.at + 4], raw[second.at:second.at + 4] = \
        raw[second.at:second.at + 4], raw[first.at:first.at + 4]
