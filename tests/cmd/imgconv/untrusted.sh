# SPDX-License-Identifier: LGPL-2.1-or-later
# --untrusted opens no file that an image names.
. "$srcdir/tests/functions.sh"

printf secret >secret.raw
imgcreate -b secret.raw -F raw evil.qcow2
imgconv evil.qcow2 fine.raw
cmp -n 6 fine.raw secret.raw
exits 1 imgconv --untrusted evil.qcow2 leak.raw 2>err
grep -q 'secret.raw' err || fail "the message does not name the file: $(cat err)"
[ ! -e leak.raw ] || fail "something was written"
exits 1 imgmap --untrusted evil.qcow2 >/dev/null 2>&1
imginfo --untrusted evil.qcow2 >/dev/null
