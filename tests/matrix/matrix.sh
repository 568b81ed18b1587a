# SPDX-License-Identifier: LGPL-2.1-or-later
# Each kind of damage, the layouts in turn: neither repair nor salvage breaks a rule of cell.py.
# All of it: make matrix.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires mke2fs -V
requires python3 --version
imgcheck --help | grep -q -e --salvage || skip "this imgcheck cannot salvage"

PYTHONDONTWRITEBYTECODE=1 python3 "$srcdir/tests/matrix/matrix.py" --quick
