# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known not to hold: (rule of cell.py, kind of damage), or with
the layout between the two, and why.  Printed, not failed."""

KNOWN = {}
