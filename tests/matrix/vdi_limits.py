# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known not to hold for VDI images, as in limits.py."""

SWAPPED = "entries that name each other's blocks are legal, and nothing contradicts them"
SHIFTED = "entries that were moved are legal, and of a first one that is free nothing is there twice"
NO_MAP = "header and map are gone, and with them where the blocks begin and how large they are"

KNOWN = {
    ("clean", "entry swapped"): SWAPPED,
    ("told", "entry swapped"): SWAPPED,
    ("derived", "entry swapped"): SWAPPED,
    ("clean", "vdi-child", "map shifted"): SHIFTED,
    ("told", "vdi-child", "map shifted"): SHIFTED,
    ("derived", "first 64 KiB random"): NO_MAP,
}
