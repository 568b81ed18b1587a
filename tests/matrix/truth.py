# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of a disk is still in a damaged image, and what of that can be known to belong where.

In the file: clusters of the disk whose stored bytes stand in the damaged file at the place where
the sound image had them, whether or not a table leads there.

Derivable: of these, those whose place on the disk follows from what is left, for one of these
reasons.  An entry counts as whole when the bits that say where it leads are.
  led to    the entry of L2 and the entry of L1 that leads to its table are whole
  donor     the same is true of a snapshot in which the cluster has the same bytes
  only one  one entry of L1 is not whole, its table is, and no other table is without an entry; or
            one entry of L2 is not whole, and its bytes are the only ones without an entry
  in order  entries of L1 are not whole, but all entries have tables, and these lie in the file in
            the order of the disk
What only the content can tell (a file system that knows where its own parts lie) is not counted,
nor is the order of data whose L2 table is gone.
"""

from qcow2 import COMPRESSED, COPIED, OFFSET, be64


def is_same(im, raw, place):
    return raw[place.at:place.at + place.len] == im.raw[place.at:place.at + place.len]


def is_whole(im, raw, place):
    if place.at + place.len > len(raw):
        return False
    sound, found = be64(im.raw, place.at), be64(raw, place.at)
    if sound & COMPRESSED or found & COMPRESSED:
        same = (sound ^ found) & ~COPIED == 0
    else:
        same = (sound ^ found) & OFFSET == 0
    return same and (place.len < 16 or be64(im.raw, place.at + 8) == be64(raw, place.at + 8))


class Truth:
    """in_file and derivable are sets of clusters of the disk."""

    def __init__(self, im, raw):
        self.im, self.raw = im, raw
        self.in_file = {c for c, m in im.map.items() if is_same(im, raw, m.data)}
        self.derivable = {c for c in self.in_file
                          if self.is_led_to(im.map[c]) or self.has_donor(c)}
        self.derivable |= self.placed_tables() | self.placed_entry()

    def is_led_to(self, mapping):
        return is_whole(self.im, self.raw, mapping.l1_entry) and \
            is_whole(self.im, self.raw, mapping.l2_entry)

    def has_donor(self, c):
        return any(c in other and other[c].data == self.im.map[c].data and
                   self.is_led_to(other[c]) for other in self.im.snapshot_maps)

    def placed_tables(self):
        """Whole entries in tables that L1 does not lead to any more: only one, or in order."""
        tables = self.im.tables(self.im.l1)
        lost = {entry for entry, _ in tables if not is_whole(self.im, self.raw, entry)}
        at = [table.at for _, table in tables]
        in_order = 8 * len(tables) == self.im.l1.len and at == sorted(at)
        if len(lost) != 1 and not in_order or self.im.snapshot_maps:
            return set()
        return {c for c in self.in_file if self.im.map[c].l1_entry in lost and
                is_whole(self.im, self.raw, self.im.map[c].l2_entry)}

    def placed_entry(self):
        lost = {c for c, m in self.im.map.items() if not is_whole(self.im, self.raw, m.l2_entry)}
        if len(lost) != 1 or self.im.snapshot_maps:
            return set()
        return {c for c in lost & self.in_file
                if is_whole(self.im, self.raw, self.im.map[c].l1_entry)}
