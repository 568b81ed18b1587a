# SPDX-License-Identifier: LGPL-2.1-or-later
# qcow images of version 1: what qemu-img writes we read, and of the samples we read the disks that
# their generator says they are.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires xz --version
requires jq --version

samples=$srcdir/testdata/qcow
cp "$samples"/good-* "$samples/base.img" .
chmod u+w -- good-*
xz -df -- *.xz

count=0
while read -r want name; do
	same "$want" "$(hash_content "$name.qcow")" "$name"
	count=$((count + 1))
done <"$samples/disks"
[ $count -ge 8 ] || fail "only $count samples were looked at"

seq -f 'line %.0f of a small disk' 0 299 >lines.raw
truncate -s 8192 lines.raw
for image in good-qemu.qcow good-qemu-packed.qcow; do
	same "$(hash_of cat lines.raw)" "$(hash_content $image)" $image
done
qemu-img convert -f qcow -O raw good-qemu-child.qcow child.raw
same "$(hash_of cat child.raw)" "$(hash_content good-qemu-child.qcow)" "a child"

for size in 512 $mib $((mib + 512)) $((11 * mib + 512)); do
	make_disk disk.raw "$size"
	for how in '' -c; do
		# shellcheck disable=SC2086
		# With -c it exits with 1 and no word behind a whole image: its own reading says so.
		qemu-img convert $how -f raw -O qcow disk.raw image.qcow || [ "$how" = -c ]
		qemu-img compare -f qcow -F raw image.qcow disk.raw >/dev/null
		same "$(hash_of cat disk.raw)" "$(hash_content image.qcow)" "$size bytes, $how"
		status=0
		imgcheck --data -q image.qcow || status=$?
		[ $status = 0 ] || [ $status = 3 ] || fail "imgcheck exits with $status"
	done
done

# What is told about an image, beside what qemu-img tells.
imginfo --output=json good-qemu-child.qcow >ours.json
qemu-img info --output=json good-qemu-child.qcow >theirs.json
for key in .format '."virtual-size"' '."cluster-size"' '."backing-filename"'; do
	same "$(jq "$key" theirs.json)" "$(jq "$key" ours.json)" "$key"
done

# A file that was cut short is never zeros: status 4, and a salvage lists what is lost.
imgconv -c disk.raw image.qcow
for keep in 1 2 3; do
	head -c $(($(stat -c %s image.qcow) * keep / 4)) image.qcow >cut.qcow
	exits 4 imgconv cut.qcow out.raw 2>/dev/null
	[ ! -e out.raw ] || fail "a target is left"
	exits 4 imgconv --salvage --output=json cut.qcow out.raw >report.json 2>/dev/null
	lost=$(jq '[."lost-extents"[].length] | add' report.json)
	[ "$lost" -gt 0 ] || fail "nothing is said to be lost"
	rm out.raw
done
exits 5 imgconv "$samples/encrypted-aes.qcow" out.raw 2>message
grep -q 'is encrypted' message || fail "$(cat message)"
