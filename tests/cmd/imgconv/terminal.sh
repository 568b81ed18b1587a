# SPDX-License-Identifier: LGPL-2.1-or-later
# An image is not written to a terminal.
. "$srcdir/tests/functions.sh"
requires script --version

printf x >disk.raw
exits 1 script -qec 'imgconv disk.raw -O raw -' /dev/null >out </dev/null
grep -q 'not written to a terminal' out || fail "$(cat out)"
