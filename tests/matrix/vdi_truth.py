# SPDX-License-Identifier: LGPL-2.1-or-later
"""As truth.py, of a VDI image.  Derivable is what is in the file and

  led to    its entry of the map is whole
  fixed     the image is of fixed size, so that each block has its place
  only one  its entry is the only one that is not whole, and names no block that there can be
  in order  entries are not whole between two that are, and between the blocks of these there are
            exactly as many as these entries had, in the order of the disk.  Where the damage looks
            like "free" all that look so must have had one.
"""

from vdi import FIXED, FREE, ZERO, le32


class Truth:
    """in_file and derivable are sets of blocks of the disk."""

    def __init__(self, im, raw):
        self.im, self.raw = im, raw
        self.in_file = {c for c, m in im.map.items()
                        if raw[m.data.at:m.data.at + m.data.len] ==
                        im.raw[m.data.at:m.data.at + m.data.len]}
        lost = {i for i in range(im.blocks) if not self.is_whole(i)}
        self.derivable = {c for c in self.in_file if c not in lost}
        if im.type == FIXED:
            self.derivable = set(self.in_file)
        elif len(lost) == 1 and im.blocks <= self.found(min(lost)) < ZERO:
            self.derivable |= lost & self.in_file
        else:
            self.derivable |= self.in_order(lost) & self.in_file

    def is_whole(self, index):
        at = self.im.entry(index).at
        return self.raw[at:at + 4] == self.im.raw[at:at + 4]

    def found(self, index):
        at = self.im.entry(index).at
        return le32(self.raw, at) if at + 4 <= len(self.raw) else None

    def gaps(self, lost):
        """[indexes between two entries that are whole], and the blocks of these two."""
        gap, before = [], -1
        for i in range(self.im.blocks):
            number = self.im.map[i].number if i in self.im.map else None
            if i not in lost and number is not None:
                yield gap, before, number
                gap, before = [], number
            else:
                gap.append(i)
        yield gap, before, len(self.im.map)

    def in_order(self, lost):
        placed = set()
        for gap, before, after in self.gaps(lost):
            wanted = [i for i in gap if i in lost]
            if any(self.found(i) == FREE for i in wanted):
                wanted = [i for i in gap if self.found(i) != ZERO]
            numbers = [self.im.map[i].number for i in wanted if i in self.im.map]
            if len(numbers) == len(wanted) and numbers == list(range(before + 1, after)):
                placed.update(wanted)
        return placed
