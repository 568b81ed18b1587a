# SPDX-License-Identifier: LGPL-2.1-or-later
"""As truth.py, of a qcow image.  Derivable is what is in the file and

  led to    the entries of both levels are whole
  in order  entries of L1 are not whole, but all of its entries have tables, which lie in the file in
            the order of the disk
"""


class Truth:
    """in_file and derivable are sets of clusters of the disk."""

    def __init__(self, im, raw):
        self.im, self.raw = im, raw
        self.in_file = {c for c, m in im.map.items() if self.is_same(m.data)}
        at = [table.at for _, table in im.tables]
        in_order = 8 * len(at) == im.l1.len and at == sorted(at)
        self.derivable = {c for c in self.in_file if self.is_same(im.map[c].l2_entry) and
                          (in_order or self.is_same(im.map[c].l1_entry))}

    def is_same(self, place):
        end = place.at + place.len
        return end <= len(self.raw) and self.raw[place.at:end] == self.im.raw[place.at:end]
