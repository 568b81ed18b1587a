# SPDX-License-Identifier: LGPL-2.1-or-later
# Several images: each is checked, whatever the others are like, and the worst one decides.
. "$srcdir/tests/functions.sh"
requires jq --version

imgcreate a.qcow2 1M
imgcreate b.qcow2 1M
dd if=/dev/zero of=b.qcow2 bs=512 count=1 conv=notrunc status=none
truncate -s 1M c.raw

exits 0 imgcheck a.qcow2 a.qcow2 >out
same 2 "$(grep -c 'No errors' out)" "two good ones"
exits 2 imgcheck a.qcow2 missing b.qcow2 a.qcow2 >out 2>err
same 2 "$(grep -c 'No errors' out)" "behind one that is missing"
grep -q missing err || fail "$(cat err)"
exits 1 imgcheck a.qcow2 missing c.raw >out 2>err
grep -q missing err && grep -q c.raw err || fail "$(cat err)"
exits 63 imgcheck a.qcow2 c.raw >out 2>err
exits 2 imgcheck --output=json a.qcow2 b.qcow2 >out
same '[["a.qcow2",0],["b.qcow2",1]]' \
	"$(jq -c '[.images[] | [.filename, .corruptions]]' out)" "the report"
