# SPDX-License-Identifier: LGPL-2.1-or-later
"""As truth.py, of a cow image, in which each sector has its place: all that is in the file and is not
zeros is derivable."""


class Truth:
    """in_file and derivable are sets of sectors of the disk."""

    def __init__(self, im, raw):
        self.in_file = {c for c, m in im.map.items()
                        if raw[m.data.at:m.data.at + m.data.len] ==
                        im.raw[m.data.at:m.data.at + m.data.len]}
        self.derivable = set(self.in_file)
