# SPDX-License-Identifier: LGPL-2.1-or-later
# "-" reads and writes raw and qcow2; content is the same whichever way it goes.
. "$srcdir/tests/functions.sh"

dd if=/dev/urandom of=disk.raw bs=1M count=3 status=none
truncate -s 20M disk.raw
dd if=/dev/urandom of=disk.raw bs=4k seek=4000 count=7 conv=notrunc status=none

imgconv disk.raw -O qcow2 - | imgconv - -O raw - | cmp - disk.raw
imgconv disk.raw -O qcow2 -c - | imgconv - -O raw - | cmp - disk.raw
cat disk.raw | imgconv - from-pipe.qcow2
imgcmp disk.raw from-pipe.qcow2 >/dev/null
cat disk.raw | imgconv - -O qcow2 - | imgcmp - disk.raw >/dev/null
cat disk.raw | imgconv - -O raw - | cmp - disk.raw
imgconv disk.raw -O raw - >plain.raw
cmp plain.raw disk.raw
