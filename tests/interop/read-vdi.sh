# SPDX-License-Identifier: LGPL-2.1-or-later
# VDI images: what qemu-img writes we read, and of the samples that it cannot read we read the disks
# that their generator says they are.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires xz --version
requires jq --version

samples=$srcdir/testdata/vdi
cp "$samples"/good-* .
chmod u+w -- *
xz -df -- *.xz

count=0
while read -r want name; do
	same "$want" "$(hash_content "$name.vdi")" "$name"
	count=$((count + 1))
done <"$samples/disks"
[ $count -ge 11 ] || fail "only $count samples were looked at"

seq -f 'line %.0f of a small disk' 0 299 >lines.raw
truncate -s 3500032 lines.raw
for image in good-qemu.vdi good-qemu-static.vdi; do
	same "$(hash_of cat lines.raw)" "$(hash_content $image)" $image
	qemu-img compare -f vdi -F raw $image lines.raw >/dev/null || fail "qemu-img: $image"
done

for size in 0 512 $mib $((mib + 512)) $((11 * mib + 512)); do
	for static in off on; do
		make_disk disk.raw "$size"
		qemu-img convert -f raw -O vdi -o static=$static disk.raw image.vdi
		same "$(hash_of cat disk.raw)" "$(hash_content image.vdi)" "$size bytes, $static"
	done
done

# What is told about an image, beside what qemu-img tells.
imginfo --output=json image.vdi >ours.json
qemu-img info --output=json image.vdi >theirs.json
for key in .format '."virtual-size"' '."cluster-size"'; do
	same "$(jq "$key" theirs.json)" "$(jq "$key" ours.json)" "$key"
done
same '"fixed"' "$(jq '."format-specific".type' ours.json)" "type"
same 12 "$(jq '."format-specific"."allocated-blocks"' ours.json)" "allocated blocks"
imginfo --chain good-grandchild.vdi | grep -q 'good-small-blocks.vdi' || fail "no chain is told"

# A file that was cut short is never zeros: status 4, and a salvage lists what is lost.
make_disk disk.raw $((11 * mib))
qemu-img convert -f raw -O vdi disk.raw image.vdi
for keep in 2 3; do
	head -c $(($(stat -c %s image.vdi) * keep / 4)) image.vdi >cut.vdi
	exits 4 imgconv cut.vdi out.raw 2>/dev/null
	[ ! -e out.raw ] || fail "a target is left"
	exits 4 imgconv --salvage --output=json cut.vdi out.raw >report.json 2>/dev/null
	lost=$(jq '[."lost-extents"[].length] | add' report.json)
	[ "$lost" -gt 0 ] || fail "nothing is said to be lost"
	rm out.raw
done
