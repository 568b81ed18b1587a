# SPDX-License-Identifier: LGPL-2.1-or-later
# Overlays are named as seen from their folder; what would spoil other images or snapshots is refused;
# what is reckoned beforehand is what is done.
. "$srcdir/tests/functions.sh"
requires jq --version
requires qemu-img --version

mkdir -p images/new
dd if=/dev/urandom of=images/base.raw bs=64k count=16 status=none
imgsnap overlay -q images/base.raw images/new/top.qcow2
same ../base.raw "$(imginfo --output=json images/new/top.qcow2 | jq -r '."backing-filename"')" "name"
same raw "$(imginfo --output=json images/new/top.qcow2 | jq -r '."backing-filename-format"')" "format"
imgcmp -q images/base.raw images/new/top.qcow2
imgsnap overlay -q images/base.raw images/named
same qcow2 "$(imginfo --output=json images/named | jq -r .format)" "the default format"
exits 63 imgsnap overlay images/base.raw images/x.raw 2>err
imgsnap overlay -q images/base.raw images/long.cow 2M
same 2097152 "$(imginfo --output=json images/long.cow | jq '."virtual-size"')" "a size of its own"
imgsnap overlay -q images/base.raw images/empty.qcow2 0
same 0 "$(imginfo --output=json images/empty.qcow2 | jq '."virtual-size"')" "a size of nothing"
rm images/long.cow images/named images/empty.qcow2

# Another child, and its own snapshots.
cd images
imgsnap overlay -q base.raw a.qcow2
imgsnap overlay -q base.raw b.qcow2
qemu-io -c 'write -P 7 64k 128k' -c 'write -z 512k 64k' a.qcow2 >/dev/null
sum=$(imgconv -q a.qcow2 -O raw - | sha256sum)
exits 1 imgsnap commit a.qcow2 2>err
grep -q 'warning: b.qcow2 stands on base.raw' err || fail "the other child: $(cat err)"
grep -q 'new/top.qcow2' err && fail "looked for children in other folders: $(cat err)"
rm b.qcow2
qemu-img snapshot -c one a.qcow2
exits 1 imgsnap commit a.qcow2 2>err
grep -q 'a.qcow2: has snapshots' err || fail "snapshots: $(cat err)"
exits 1 imgsnap flatten a.qcow2 2>err
qemu-img snapshot -d one a.qcow2

imgsnap commit --dry-run --output=json a.qcow2 >plan
same '131072 65536 0' "$(jq -r '"\(.copied) \(.zeroed) \(."others-spoilt")"' plan)" "the plan"
same "$sum" "$(imgconv -q a.qcow2 -O raw - | sha256sum)" "a plan changed something"
imgsnap commit --output=json a.qcow2 >done
same "$(jq -c 'del(."dry-run", .emptied, ."space-free")' plan)" \
	"$(jq -c 'del(."dry-run", .emptied, ."space-free")' done)" "what was done is not the plan"
same true "$(jq .emptied done)" "emptied"
same "$sum" "$(sha256sum <base.raw)" "commit"
same "$sum" "$(imgconv -q a.qcow2 -O raw - | sha256sum)" "the disk of the top"
qemu-img check -q a.qcow2
exits 1 imgsnap commit base.raw 2>err
for name in a.qcow2 ./a.qcow2; do
	exits 1 imgsnap overlay a.qcow2 $name 2>err
	grep -q 'same file' err || fail "an overlay on itself: $(cat err)"
done
exits 1 imgsnap overlay -O qcow2 a.qcow2 base.raw 2>err
grep -q 'is read for what would be written there' err || fail "an overlay below: $(cat err)"
exits 1 imgsnap rebase -b a.qcow2 a.qcow2 2>err
grep -q 'cannot stand on itself' err || fail "a loop: $(cat err)"
imgsnap rebase -q -u -b later.raw -F raw a.qcow2 2>err
grep -q warning err || fail "a file that is missing: $(cat err)"
same later.raw "$(qemu-img info --output=json a.qcow2 | jq -r '."backing-filename"')" "the name alone"
