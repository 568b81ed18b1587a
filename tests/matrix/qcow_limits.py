# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known not to hold for qcow images, as in limits.py.  There are no counts: what is zero is a
hole as long as nothing else speaks against it."""

SHARED = "compressed clusters are shared, and that an entry is another's is no damage"
EMPTY = "a disk of no bytes is legal here, and QEMU does not open it"
NO_TABLES = "header, L1 table and L2 tables are gone"

KNOWN = {
    ("clean", "qcow-packed", "L2 entries doubled"): SHARED,
    ("told", "qcow-packed", "L2 entries doubled"): SHARED,
    ("clean", "header disk size zero"): EMPTY,
    ("judged", "header disk size zero"): EMPTY,
    ("derived", "first 64 KiB random"): NO_TABLES,
}
