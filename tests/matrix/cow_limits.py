# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known not to hold for cow images, as in limits.py.  All that a check could hold a bitmap
against are the data, and those it does not read."""

BITMAP = "a bitmap of any content is legal, and a check does not look at the data"
FIELD = "the number is legal, and nothing but the data contradicts it"
NO_BITMAP = "header and bitmap are gone, and with them where the data begin"

BITMAP_DAMAGES = ["bitmap zero", "bitmap random", "bitmap ones", "half of the bitmap zero",
                  "half of the bitmap random", "half of the bitmap ones",
                  "part of the bitmap zero", "part of the bitmap random",
                  "part of the bitmap ones", "bitmap shifted", "bit: set to clear",
                  "bits cleared"]
FIELD_DAMAGES = ["header disk size double", "header disk size half", "header disk size zero",
                 "header sector double", "header alignment"]

KNOWN = {("clean", name): BITMAP for name in BITMAP_DAMAGES}
KNOWN.update({("clean", name): FIELD for name in FIELD_DAMAGES})
KNOWN[("derived", "first 64 KiB random")] = NO_BITMAP
