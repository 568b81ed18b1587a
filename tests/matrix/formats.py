# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the matrix knows of each format."""

from collections import namedtuple

import cow_damages
import cow_layouts
import cow_limits
import cow_truth
import damages
import layouts
import limits
import qcow_damages
import qcow_layouts
import qcow_limits
import qcow_truth
import truth
import vdi_damages
import vdi_layouts
import vdi_limits
import vdi_truth
from cow import Cow
from qcow import Qcow
from qcow2 import Qcow2
from vdi import Vdi

# image: of bytes.  make: the bytes of a layout.  truth: of an image and damaged bytes.
# qemu_repairs: qemu-img check -r knows the format.
Format = namedtuple("Format", "name image layouts make damages known truth qemu_repairs")

FORMATS = [
    Format("qcow2", Qcow2, layouts.LAYOUTS, layouts.make, damages.DAMAGES, limits.KNOWN,
           truth.Truth, True),
    Format("vdi", Vdi, vdi_layouts.LAYOUTS, vdi_layouts.make, vdi_damages.DAMAGES,
           vdi_limits.KNOWN, vdi_truth.Truth, False),
    Format("cow", Cow, cow_layouts.LAYOUTS, cow_layouts.make, cow_damages.DAMAGES,
           cow_limits.KNOWN, cow_truth.Truth, False),
    Format("qcow", Qcow, qcow_layouts.LAYOUTS, qcow_layouts.make, qcow_damages.DAMAGES,
           qcow_limits.KNOWN, qcow_truth.Truth, False),
]
