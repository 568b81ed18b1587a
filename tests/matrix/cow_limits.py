# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known not to hold for cow images, as in limits.py.  A check holds the bitmap against the
data; set bits over holes of the file are what a writer of zeros leaves."""

ONES = "what is written with zeros is a set bit over a hole of the file"
NO_BITMAP = "header and bitmap are gone, and with them where the data begin"

KNOWN = {("clean", "cow-child", name): ONES
         for name in ["bitmap ones", "half of the bitmap ones", "part of the bitmap ones"]}
KNOWN[("derived", "first 64 KiB random")] = NO_BITMAP
