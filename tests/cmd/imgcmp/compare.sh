# SPDX-License-Identifier: LGPL-2.1-or-later
# Exit statuses and sentences: same, different, not comparable.
. "$srcdir/tests/functions.sh"

dd if=/dev/urandom of=a.raw bs=64k count=4 status=none
imgconv a.raw a.qcow2
same "The images hold the same." "$(imgcmp a.raw a.qcow2)" "the same"

cp a.raw b.raw
printf '\xff\xfe' | dd of=b.raw bs=1 seek=70000 conv=notrunc status=none
cmp -s a.raw b.raw && fail "chance made them equal; run it again"
exits 1 imgcmp a.raw b.raw >out
first=$(($({ cmp a.raw b.raw || true; } | sed -E 's/.*byte ([0-9]+).*/\1/') - 1))
same "The images differ; the first difference is at $first." "$(cat out)" "different"
exits 1 imgcmp -q a.raw b.raw >out
[ ! -s out ] || fail "-q: $(cat out)"
exits 2 imgcmp a.raw missing.raw 2>/dev/null
exits 2 imgcmp a.raw 2>/dev/null
exits 2 imgcmp -f none a.raw b.raw 2>/dev/null
