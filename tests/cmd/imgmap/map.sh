# SPDX-License-Identifier: LGPL-2.1-or-later
# The members of qemu-img map with the same values, over a chain of two layers.
. "$srcdir/tests/functions.sh"
requires qemu-img --version

qemu-img create -q -f qcow2 base.qcow2 4M
qemu-io -c 'write -P 7 1M 128k' base.qcow2 >/dev/null
qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 top.qcow2
qemu-io -c 'write -P 9 2M 64k' -c 'write -z 3M 64k' top.qcow2 >/dev/null
members='[.[] | {start, length, depth, present, zero, data, offset}]'
# What is in no layer is at depth 0 here, and at that of the last layer there.
rule='map(if .present then . else .depth = 0 end)'
want=$(qemu-img map --output=json top.qcow2 | jq "$members | $rule")
same "$want" "$(imgmap --output=json top.qcow2 | jq "$members | $rule")" "map of a chain"
same base.qcow2 "$(imgmap --output=json top.qcow2 | jq -r '.[] | select(.depth == 1) | .filename')" \
	"the file of the lower layer"
part=$(imgmap --start-offset=1M --max-length=64k --output=json top.qcow2 |
	jq -c '[.[] | {start, length}]')
same '[{"start":1048576,"length":65536}]' "$part" "a part of the disk"
exits 1 imgmap --start-offset=5M top.qcow2 >/dev/null 2>&1
