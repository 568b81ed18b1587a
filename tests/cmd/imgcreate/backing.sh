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

# What it stands on, or would, is not what it becomes.
cd images
for name in base.raw top.qcow2 ./top.qcow2; do
	exits 1 imgcreate -f qcow2 -b top.qcow2 -F qcow2 $name 2>message
	grep -q "cannot stand on itself" message || fail "$name: $(cat message)"
done
exits 1 imgcreate -u -f qcow2 -b top.qcow2 -F qcow2 top.qcow2 1M 2>message
grep -q "cannot stand on itself" message || fail "$(cat message)"
exits 1 imgcreate -b base.raw -F raw -o data_file=base.raw new.qcow2 2>message
grep -q "base.raw: is a part of the image and of what it stands on" message || fail "$(cat message)"
exits 1 imgcreate -o data_file=./new.qcow2 new.qcow2 1M 2>message
grep -q "image and data file are the same file" message || fail "$(cat message)"
[ ! -e new.qcow2 ] || fail "an image is left"
imgcmp -q base.raw top.qcow2
