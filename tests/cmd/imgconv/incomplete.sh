# SPDX-License-Identifier: LGPL-2.1-or-later
# A truncated source ends with status 4 and no target; a salvage makes the target, ends with 4, and
# lists what is lost.
. "$srcdir/tests/functions.sh"
requires qemu-img --version

# qemu-img puts the tables in front of the data: what is cut off is data alone.
dd if=/dev/urandom of=disk.raw bs=64k count=16 status=none
qemu-img convert -O qcow2 disk.raw disk.qcow2
end=$(imgmap --output=json disk.qcow2 | jq 'last | .offset + .length')
truncate -s $((end - 131072)) disk.qcow2

echo precious >out.raw
exits 4 imgconv disk.qcow2 out.raw 2>err
grep -q 'disk.qcow2' err || fail "the message does not name the source: $(cat err)"
same precious "$(cat out.raw)" "the old target is gone"

exits 4 imgconv --salvage --output=json disk.qcow2 out.raw >report.json 2>err
same 131072 "$(jq .lost report.json)" "bytes lost"
same 131072 "$(jq '[."lost-extents"[].length] | add' report.json)" "the list of losses"
start=$(jq '."lost-extents"[0].start' report.json)
cmp -n "$start" disk.raw out.raw
same 1048576 "$(stat -c %s out.raw)" "size of what was salvaged"
