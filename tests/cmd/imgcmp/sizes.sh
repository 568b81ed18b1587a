# SPDX-License-Identifier: LGPL-2.1-or-later
# A longer disk that ends in zeros is the same, unless -s asks for strictness.
. "$srcdir/tests/functions.sh"

dd if=/dev/urandom of=a.raw bs=64k count=2 status=none
cp a.raw longer.raw
truncate -s 1M longer.raw
imgcmp a.raw longer.raw >/dev/null
exits 1 imgcmp -s a.raw longer.raw >out
grep -q 'differ in size: 131072 and 1048576 bytes' out || fail "$(cat out)"
printf x >>longer.raw
exits 1 imgcmp a.raw longer.raw >out
grep -q 'first difference is at 1048576' out || fail "$(cat out)"
