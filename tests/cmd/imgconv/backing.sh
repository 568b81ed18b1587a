# SPDX-License-Identifier: LGPL-2.1-or-later
# -B stores what differs from the backing file alone, and the result reads as the source.
. "$srcdir/tests/functions.sh"

mkdir images
dd if=/dev/urandom of=images/base.raw bs=64k count=16 status=none
cp images/base.raw new.raw
dd if=/dev/urandom of=new.raw bs=64k seek=5 count=1 conv=notrunc status=none
dd if=/dev/zero of=new.raw bs=64k seek=9 count=1 conv=notrunc status=none
imgconv -B base.raw new.raw images/top.qcow2
imgcmp new.raw images/top.qcow2 >/dev/null
same raw "$(imginfo --output=json images/top.qcow2 | jq -r '."backing-filename-format"')" \
	"the format of the backing file was not written down"
here=$(imgmap --output=json images/top.qcow2 | jq '[.[] | select(.depth == 0) | .length] | add')
same 131072 "$here" "bytes stored in the upper layer"
exits 1 imgconv -F raw new.raw x.qcow2 2>/dev/null
exits 1 imgconv -B missing.raw new.raw images/x.qcow2 2>/dev/null
[ ! -e images/x.qcow2 ] || fail "a target was made on a backing file that is missing"
