# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known not to hold: (rule of cell.py, kind of damage), and why.  Printed, not failed."""

GONE = "entries that became empty leave clusters that nothing refers to, as a crash does"
NEIGHBOUR = "entries that lead to a neighbour's cluster are legal; only counts tell of them"
METADATA = "an entry that leads to tables is legal; that its cluster is used twice is what is wrong"
NO_DONOR = "salvage does not look for a donor of entries that are legal, or for the only place left"
FIRST_TABLE = "partitions are read from the first L2 table alone, not from the backup of a GPT"

KNOWN = {
    ("clean", "one L2 half"): GONE,
    ("clean", "all L2 half"): GONE,
    ("clean", "L2 entries lost"): GONE,
    ("clean", "one L2 shifted"): NEIGHBOUR,
    ("clean", "all L2 shifted"): NEIGHBOUR,
    ("clean", "L2 entries doubled"): NEIGHBOUR,
    ("told", "L1 shifted"): NEIGHBOUR,
    ("told", "L1 entries doubled"): NEIGHBOUR,
    ("told", "one L2 shifted"): NEIGHBOUR,
    ("told", "all L2 shifted"): NEIGHBOUR,
    ("clean", "L2 entry into L1"): METADATA,
    ("clean", "L2 entry into refcounts"): METADATA,
    ("told", "L2 entry into L1"): METADATA,
    ("told", "L2 entry into refcounts"): METADATA,
    ("derived", "L2 entry into L1"): METADATA,
    ("derived", "L2 entry into refcounts"): METADATA,
    ("derived", "L1 entry into data"): METADATA,
    ("derived", "L1 entries doubled"): NEIGHBOUR,
    ("derived", "L1 shifted"): NEIGHBOUR,
    ("derived", "L1 half"): NO_DONOR,
    ("derived", "one L2 half"): NO_DONOR,
    ("derived", "one L2 shifted"): NEIGHBOUR,
    ("derived", "all L2 zero"): NO_DONOR,
    ("derived", "all L2 random"): NO_DONOR,
    ("derived", "all L2 half"): NO_DONOR,
    ("derived", "all L2 shifted"): NEIGHBOUR,
    ("derived", "first 64 KiB random"): FIRST_TABLE,
    ("derived", "header L1 entries"): NO_DONOR,
    ("derived", "bit: compressed offset, low"): NO_DONOR,
    ("derived", "bit: compressed length"): NO_DONOR,
}
