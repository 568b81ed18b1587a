# SPDX-License-Identifier: LGPL-2.1-or-later
# cloop images: what create_compressed_fs writes at every level we read, as QEMU does, and of the
# samples that no tool here can read we read the disks that their generator says they are.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

samples=$srcdir/testdata/cloop
count=0
while read -r want name; do
	same "$want" "$(hash_content "$samples/$name.cloop")" "$name"
	count=$((count + 1))
done <"$samples/disks"
[ $count -ge 26 ] || fail "only $count samples were looked at"

seq -f 'line %.0f of a small disk' 0 299 >lines.raw
truncate -s 53248 lines.raw
same "$(hash_of cat lines.raw)" "$(hash_content "$samples/good-create.cloop")" good-create.cloop
qemu-img compare -f cloop -F raw "$samples/good-create.cloop" lines.raw >/dev/null ||
	fail "qemu-img: good-create.cloop"

# What qemu-img cannot be fooled with is read the same by both.
for name in v2 v2-stored v2-gap; do
	imgconv "$samples/good-$name.cloop" ours.raw
	qemu-img convert -f cloop -O raw "$samples/good-$name.cloop" theirs.raw
	cmp ours.raw theirs.raw || fail "good-$name.cloop"
done

# Blocks of one byte each are as long as those of zeros, and are not taken for them.
for byte in 0 1 0 2 0 0 1 0 3; do
	head -c 64K /dev/zero | tr '\0' "\\$byte"
done >bytes.raw
for options in version=2.0 version=4.0,compression_type=xz version=4.0,compression_type=lz4; do
	imgconv -o $options bytes.raw image.cloop
	for threads in 1 2; do
		imgconv -m $threads image.cloop -O raw - | cmp - bytes.raw || fail "bytes, $options"
	done
done

# The empty parts of a disk are told, and nothing else is.
for block in 4k 64k; do
	make_disk disk.raw $((11 * mib))
	imgconv -o block_size=$block disk.raw image.cloop
	same "$(hash_of cat disk.raw)" "$(hash_content image.cloop)" "blocks of $block"
	imgmap --output=json image.cloop | jq -r '.[] | select(.zero) | "\(.start) \(.length)"' >zeros
	[ "$(wc -l <zeros)" -ge 2 ] || fail "no zeros are told of with blocks of $block"
	while read -r start length; do
		cmp -n "$length" -i "$start:0" disk.raw /dev/zero || fail "no zeros at $start"
	done <zeros
done

# A file that was cut short is never zeros: status 4, and a salvage lists what is lost.
make_disk disk.raw $((11 * mib))
imgconv disk.raw image.cloop
head -c $(($(stat -c %s image.cloop) / 2)) image.cloop >cut.cloop
exits 4 imgconv cut.cloop out.raw 2>/dev/null
[ ! -e out.raw ] || fail "a target is left"
exits 4 imgconv --salvage --output=json cut.cloop out.raw >report.json 2>/dev/null
lost=$(jq '[."lost-extents"[].length] | add' report.json)
[ "$lost" -gt $((2 * mib)) ] || fail "only $lost bytes are said to be lost"

# A block in which a bit is wrong is found, and named.
same 0 "$(jq .lost <(imgconv --output=json image.cloop whole.raw))" "lost of a good image"
printf '\377\377\377\377' | dd of=image.cloop bs=1 seek=300000 conv=notrunc status=none
exits 1 imgconv image.cloop bad.raw 2>errors
grep -q '^imgconv: image.cloop: block [0-9]* at 0x' errors || fail "$(cat errors)"
exits 2 imgcheck --data image.cloop >/dev/null
exits 4 imgconv --salvage image.cloop rest.raw 2>/dev/null
imgcmp --output=json whole.raw rest.raw >differs.json || true
[ "$(jq '."differing-bytes" // 0' differs.json)" -le 65536 ] || fail "more than a block is lost"

requires test -x /usr/bin/create_compressed_fs
for level in -2 -1 0 1 2 3 4 5 6 7 8 9; do
	for block in 4096 65536 1048576; do
		[ $block = 65536 ] || [ $level = 6 ] || continue
		create_compressed_fs -q -L $level -B $block disk.raw image.cloop >/dev/null 2>&1
		same "$(hash_of cat disk.raw)" "$(hash_content image.cloop)" "-L $level -B $block"
		exits 0 imgcheck -q image.cloop
	done
done

# It fills up the last block, and whoever knows how long the disk was says so.
make_disk disk.raw $((11 * mib + 12345))
create_compressed_fs -q -L 1 -B 65536 disk.raw image.cloop >/dev/null 2>&1
for way in "imgconv --size=$((11 * mib + 12345)) image.cloop" \
	"imgconv -f cloop --size=$((11 * mib + 12345)) -"; do
	$way out.raw <image.cloop
	cmp out.raw disk.raw || fail "$way"
	$way out.cloop <image.cloop
	same "$(hash_of cat disk.raw)" "$(hash_content out.cloop)" "$way, kept"
done
for size in 11M 12M $((11 * mib + 65537)); do
	exits 1 imgconv --size=$size image.cloop no.raw 2>message
	grep -q 'does not end in the last block' message || fail "$(cat message)"
done
exits 1 imgconv --size=11M disk.raw no.raw 2>message
grep -q 'a raw image says itself' message || fail "$(cat message)"
[ ! -e no.raw ] || fail "a target is left"

imginfo --output=json image.cloop >ours.json
qemu-img info --output=json image.cloop >theirs.json
for key in .format '."virtual-size"'; do
	same "$(jq "$key" theirs.json)" "$(jq "$key" ours.json)" "$key"
done
same '"2.0"' "$(jq '."format-specific".version' ours.json)" version
