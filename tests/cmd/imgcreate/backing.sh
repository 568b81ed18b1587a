# SPDX-License-Identifier: LGPL-2.1-or-later
# A new image on a backing file: size and format are taken from it, relative to the new image.
. "$srcdir/tests/functions.sh"

mkdir images
dd if=/dev/urandom of=images/base.raw bs=64k count=3 status=none
imgcreate -b base.raw images/top.qcow2
imgcmp images/base.raw images/top.qcow2 >/dev/null
info=$(imginfo --output=json images/top.qcow2)
same base.raw "$(jq -r '."backing-filename"' <<<"$info")" "name as it was given"
same raw "$(jq -r '."backing-filename-format"' <<<"$info")" "format"
imgcreate -o backing_file=base.raw,backing_fmt=raw images/other.qcow2 1M
same 1048576 "$(imginfo --output=json images/other.qcow2 | jq '."virtual-size"')" "own size"
exits 1 imgcreate -b missing.raw images/x.qcow2 2>/dev/null
exits 1 imgcreate -u -b missing.raw -F raw images/x.qcow2 2>/dev/null
exits 1 imgcreate -u -b missing.raw images/x.qcow2 1M 2>/dev/null
imgcreate -u -b missing.raw -F raw images/later.qcow2 1M
[ ! -e images/x.qcow2 ] || fail "a failure left a file"
