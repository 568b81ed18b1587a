# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the kinds of damage of several formats are made of."""

import struct


def zero(raw, place, rng=None):
    raw[place.at:place.at + place.len] = bytes(place.len)


def randomize(raw, place, rng):
    raw[place.at:place.at + place.len] = rng.randbytes(place.len)


class Damages:
    """damages.known: {name: (whether an image has what is to be damaged, the change)}"""

    def __init__(self):
        self.known = {}

    def damage(self, name, applies=lambda im: True):
        def remember(change):
            self.known[name] = (applies, change)
            return change
        return remember

    def field(self, name, at, form, value, applies=lambda im: True):
        """at and value: of the header, or what gives them for an image."""
        @self.damage("header " + name, applies)
        def _(raw, im, rng):
            place, new = (x(im) if callable(x) else x for x in (at, value))
            struct.pack_into(form, raw, place, new)
