# SPDX-License-Identifier: LGPL-2.1-or-later
# A device is never replaced by a file that has its name.
. "$srcdir/tests/functions.sh"

printf content >disk.raw
mkfifo fifo
mkdir folder
for target in fifo folder; do
	exits 1 imgconv -O raw disk.raw $target 2>err
	[ -s err ] || fail "no reason given for $target"
done
[ -p fifo ] && [ -d folder ] || fail "it was replaced"
