# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kinds of damage of cow images, as in damages.py."""

from cow import VERSION, Place
from ways import Damages, randomize, zero

KINDS = Damages()
DAMAGES, damage = KINDS.known, KINDS.damage


def ones(raw, place, rng=None):
    raw[place.at:place.at + place.len] = b"\xff" * place.len


def later_half(place):
    return Place(place.at + place.len // 2, place.len - place.len // 2)


def middle(place):
    return Place(place.at + place.len // 2, place.len // 16)


WAYS = {"zero": zero, "random": randomize, "ones": ones}
PARTS = {"bitmap": lambda place: place, "half of the bitmap": later_half,
         "part of the bitmap": middle}

for part, of in PARTS.items():
    for way, change in WAYS.items():
        @damage("%s %s" % (part, way))
        def _(raw, im, rng, change=change, of=of):
            change(raw, of(im.bitmap), rng)


@damage("bitmap shifted")
def _(raw, im, rng):
    place = im.bitmap
    raw[place.at + 8:place.at + place.len] = raw[place.at:place.at + place.len - 8]


@damage("bit: set to clear")
def _(raw, im, rng):
    i = sorted(im.map)[len(im.map) // 2]
    raw[im.bitmap.at + i // 8] &= ~(1 << i % 8)


@damage("bits cleared")
def _(raw, im, rng):
    for i in sorted(im.map)[5::len(im.map) // 7]:
        raw[im.bitmap.at + i // 8] &= ~(1 << i % 8)


# ---- Header --------------------------------------------------------------------------------------

def numbered(name, field, form, value, applies=lambda im: True):
    """field: of cow.Layout; value: the new one, by the image."""
    def change(raw, im, rng):
        number = value(im).to_bytes(form, "little" if im.layout.order == "<" else "big")
        at = getattr(im.layout, field)
        raw[at:at + form] = number
    damage("header " + name, applies)(change)


@damage("header zero")
def _(raw, im, rng):
    zero(raw, Place(0, min(im.bitmap.at, 4096)))


@damage("header random")
def _(raw, im, rng):
    randomize(raw, Place(0, min(im.bitmap.at, 4096)), rng)


@damage("first 64 KiB random")
def _(raw, im, rng):
    randomize(raw, Place(0, 65536), rng)


KINDS.field("magic", 0, ">I", 0x7F454C46)
KINDS.field("version", VERSION, ">I", 7)
numbered("disk size huge", "size", 8, lambda im: 1 << 62)
numbered("disk size double", "size", 8, lambda im: 2 * im.size)
numbered("disk size half", "size", 8, lambda im: im.size // 2)
numbered("disk size zero", "size", 8, lambda im: 0)
numbered("sector odd", "sector", 4, lambda im: 513)
numbered("sector double", "sector", 4, lambda im: 1024)
numbered("alignment", "align", 4, lambda im: 1 << 20, lambda im: im.layout.align)
numbered("alignment odd", "align", 4, lambda im: 4097, lambda im: im.layout.align)


@damage("name without end")
def _(raw, im, rng):
    raw[im.layout.name:im.layout.name + im.layout.name_len] = b"a" * im.layout.name_len


# ---- The file ------------------------------------------------------------------------------------

@damage("cut in half")
def _(raw, im, rng):
    del raw[len(raw) // 2:]


@damage("cut in the bitmap")
def _(raw, im, rng):
    del raw[im.bitmap.at + im.bitmap.len // 2:]


@damage("longer")
def _(raw, im, rng):
    raw += rng.randbytes(100000)
