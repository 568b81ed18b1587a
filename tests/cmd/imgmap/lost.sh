# SPDX-License-Identifier: LGPL-2.1-or-later
# What a truncated image lost is an extent of its own.
. "$srcdir/tests/functions.sh"
requires qemu-img --version

# qemu-img puts the tables in front of the data: what is cut off is data alone.
dd if=/dev/urandom of=disk.raw bs=64k count=4 status=none
qemu-img convert -O qcow2 disk.raw disk.qcow2
place=$(imgmap --output=json disk.qcow2 | jq '.[0].offset')
truncate -s $((place + 65536)) disk.qcow2
lost=$(imgmap --output=json disk.qcow2 | jq -c '[.[] | select(.kind == "lost") | {start, length}]')
same '[{"start":65536,"length":196608}]' "$lost" "lost extents"
imgmap disk.qcow2 | grep -qE '^0x10000 +0x30000 +lost ' || fail "$(imgmap disk.qcow2)"
