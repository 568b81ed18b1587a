# SPDX-License-Identifier: LGPL-2.1-or-later
# Sizes, formats and options of new images.
. "$srcdir/tests/functions.sh"

virtual_size() {
	imginfo --output=json "$1" | jq '."virtual-size"'
}

imgcreate a.raw 1.5M
same 1572864 "$(stat -c %s a.raw)" "size of a raw image"
imgcreate -o cluster_size=1M,compat=0.10 a.qcow2 10G
same 10737418240 "$(virtual_size a.qcow2)" "size of a qcow2 image"
same 1048576 "$(imginfo --output=json a.qcow2 | jq '."cluster-size"')" "cluster size"
imgcreate -f qcow2 -o size=64k odd
same 65536 "$(virtual_size odd)" "size as an option"
exits 1 imgcreate -o size=1M b.qcow2 1M 2>/dev/null
exits 1 imgcreate b.qcow2 2>/dev/null
exits 1 imgcreate b 1M 2>/dev/null
exits 1 imgcreate b.qcow2 1Z 2>/dev/null
exits 63 imgcreate -b a.raw b.raw 2>/dev/null
[ ! -e b.qcow2 ] && [ ! -e b ] && [ ! -e b.raw ] || fail "a failure left a file"
imgcreate -f qcow2 -o help | grep -q '^  cluster_size=SIZE ' || fail "-o help"
