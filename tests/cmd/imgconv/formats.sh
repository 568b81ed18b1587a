# SPDX-License-Identifier: LGPL-2.1-or-later
# The target's format: by -O, else by its name, else it is a usage error.
. "$srcdir/tests/functions.sh"

printf 'content' >disk.bin
imgconv disk.bin disk.qcow2
same qcow2 "$(imginfo --output=json disk.qcow2 | jq -r .format)" "by its name"
imgconv -O raw disk.bin odd.qcow2
cmp disk.bin odd.qcow2
exits 1 imgconv disk.bin disk.unknown 2>err
grep -q 'give it with -O' err || fail "$(cat err)"
[ ! -e disk.unknown ] || fail "it made a file all the same"
exits 1 imgconv disk.bin - 2>err
exits 1 imgconv -O none disk.bin x 2>err
grep -q 'there is no image format "none"' err || fail "$(cat err)"
exits 63 imgconv -c disk.bin disk.raw 2>err
exits 1 imgconv -o no_such_option=1 disk.bin disk.qcow2 2>err
