# SPDX-License-Identifier: LGPL-2.1-or-later
# VMDK images that imgconv writes, of each type: qemu-img finds them clean and reads the same disk,
# which comes back whole, and they are laid out as qemu-img lays them out.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

types='monolithicSparse monolithicFlat twoGbMaxExtentSparse twoGbMaxExtentFlat'

# field NAME IMAGE: of what the format says of itself.
field() {
	imginfo --output=json "$2" | jq -r ".\"format-specific\".\"$1\""
}

# padded FILE: the disk in whole sectors, as the format has it.
padded() {
	truncate -s %512 "$1"
}

for size in 1 512 65537 $((11 * mib + 12345)) $((70 * mib + 512)); do
	make_disk disk.raw "$size"
	cp disk.raw whole.raw
	padded whole.raw
	want=$(hash_of cat whole.raw)
	for type in $types; do
		for how in '' '-S 0' '-S 2M -m 1' '-o zeroed_grain=on'; do
			[[ ! "$type $how" =~ Flat.*zeroed ]] || continue
			rm -f image*
			# shellcheck disable=SC2086
			imgconv $how -o subformat="$type" disk.raw image.vmdk
			judged image.vmdk whole.raw "$size bytes, $type, $how"
			same "$want" "$(hash_content image.vmdk)" "$size bytes, $type, $how"
			same "$type" "$(field create-type image.vmdk)" "type"
		done
		imgconv image.vmdk copy.qcow2
		rm image*
		imgconv -o subformat="$type" copy.qcow2 image.vmdk
		judged image.vmdk whole.raw "$size bytes, $type, from qcow2"
	done
	for type in monolithicSparse monolithicFlat; do
		rm -f image*
		cat disk.raw | imgconv -o subformat=$type -O vmdk - image.vmdk
		judged image.vmdk whole.raw "$size bytes, $type, from a pipe"
	done
	cat disk.raw | imgconv - -O vmdk - | cat >image.vmdk
	judged image.vmdk whole.raw "$size bytes, through pipes"
done

# Header and directories are those of qemu-img, byte for byte; only the descriptor differs.
for options in zeroed_grain=off zeroed_grain=on; do
	for size in 512 32M 100G; do
		qemu-img create -q -f vmdk -o $options theirs.vmdk $size
		imgcreate -f vmdk -o $options ours.vmdk $size
		same "$(stat -c %s theirs.vmdk)" "$(stat -c %s ours.vmdk)" "length, $options, $size"
		cmp -n 512 theirs.vmdk ours.vmdk || fail "header, $options, $size"
		cmp -i 10752 theirs.vmdk ours.vmdk || fail "tables, $options, $size"
	done
done

# takes HOW WHAT: the files of image.vmdk have the space that this preallocation means.
takes() {
	local kib

	kib=$(du -ck image* | tail -n 1 | cut -f 1)
	[ $((kib > 70 * 1024)) = $([ "$1" = metadata ]; echo $?) ] || fail "$2: $kib KiB"
}

# Space that is set aside: where nothing is, the file has a gap, space, or zeros that were written.
make_disk disk.raw $((70 * mib + 512))
for type in $types; do
	for how in metadata falloc full; do
		rm -f image*
		if [[ $type$how = *Flatmetadata ]]; then
			exits 1 imgconv -o subformat="$type",preallocation=$how disk.raw image.vmdk 2>/dev/null
			continue
		fi
		imgconv -o subformat="$type",preallocation=$how disk.raw image.vmdk
		judged image.vmdk disk.raw "$type, preallocation=$how"
		imgcheck -q image.vmdk || fail "$type, preallocation=$how: imgcheck"
		takes $how "$type, preallocation=$how"
		rm -f image*
		imgcreate -o subformat="$type",preallocation=$how image.vmdk $((70 * mib + 512))
		takes $how "a new $type, preallocation=$how"
		same "$(hash_of head -c $((70 * mib + 512)) /dev/zero)" "$(hash_of imgconv image.vmdk -O raw -)" \
			"a new $type, preallocation=$how"
	done
done
cat disk.raw | imgconv -o subformat=monolithicFlat,preallocation=full -O vmdk - image.vmdk
judged image.vmdk disk.raw "monolithicFlat from a pipe, preallocation=full"
rm -f image*

# What would hide the image below, and what cannot be known yet.
imgcreate image.vmdk 70M
exits 1 imgcreate -o preallocation=metadata -b image.vmdk child.vmdk 2>/dev/null
exits 1 imgconv -o preallocation=metadata -O vmdk - child.vmdk < <(cat disk.raw) 2>/dev/null
[ ! -e child.vmdk ] || fail "a target is left"
rm -f image*

# Where two files meet.
rm disk.raw
truncate -s 4100M disk.raw
for at in 0 2145300000 4290700000 4299161600; do
	place disk.raw $at noise 300000
done
for type in twoGbMaxExtentSparse twoGbMaxExtentFlat; do
	for grain in 4k 2M; do
		rm -f large*
		imgconv -S $grain -o subformat=$type disk.raw large.vmdk
		same 3 "$(imginfo --output=json large.vmdk |
			jq '."format-specific".extents | length')" "extents of $type"
		qemu-img compare -q disk.raw large.vmdk || fail "three extents, $type, $grain"
		imgcmp -q disk.raw large.vmdk || fail "we: three extents, $type, $grain"
	done
	[ -z "$(find . -name 'large-*' -size +2G)" ] || fail "an extent is larger than 2 GB"
done
rm -f large* image* disk.raw

# What the options say is in the descriptor, and qemu-img finds its own keys there.
make_disk disk.raw $mib
imgconv -o adapter_type=lsilogic,hwversion=11,toolsversion=10,cid=0badcafe disk.raw image.vmdk
same lsilogic "$(field adapter-type image.vmdk)" adapter_type
same 11 "$(field hardware-version image.vmdk)" hwversion
same 10 "$(field tools-version image.vmdk)" toolsversion
same $((0x0badcafe)) "$(field cid image.vmdk)" cid
same $((0x0badcafe)) "$(qemu-img info --output=json image.vmdk |
	jq '."format-specific".data.cid')" "cid, as qemu-img reads it"
imgconv -o compat6=on disk.raw image.vmdk
same 6 "$(field hardware-version image.vmdk)" compat6
for i in 1 2; do
	imgconv disk.raw new$i.vmdk
done
[ "$(field cid new1.vmdk)" != "$(field cid new2.vmdk)" ] || fail "two new images have the same cid"

# What is refused leaves nothing behind.
make_disk small.raw 65536
: >nothing.raw
imgconv -o subformat=monolithicFlat disk.raw flat.vmdk
exits 1 imgconv -o cid=ffffffff disk.raw no.vmdk 2>/dev/null
exits 1 imgconv -o cid=123456789 disk.raw no.vmdk 2>/dev/null
exits 1 imgconv -o compat6=on,hwversion=4 disk.raw no.vmdk 2>/dev/null
exits 1 imgconv nothing.raw no.vmdk 2>/dev/null
exits 1 imgconv -c -o subformat=monolithicSparse disk.raw no.vmdk 2>/dev/null
exits 1 imgconv -o compression_level=9 disk.raw no.vmdk 2>message
grep -q 'streamOptimized only' message || fail "$(cat message)"
exits 1 imgconv -B flat.vmdk -o subformat=monolithicFlat disk.raw no.vmdk 2>/dev/null
exits 1 imgconv -o subformat=monolithicFlat,zeroed_grain=on disk.raw no.vmdk 2>/dev/null
exits 1 imgconv -B small.raw -F raw disk.raw no.vmdk 2>/dev/null
exits 1 imgconv -o subformat=monolithicFlat disk.raw -O vmdk - >/dev/null 2>message
grep -q 'several files' message || fail "$(cat message)"
exits 63 imgconv -o subformat=twoGbMaxExtentFlat - -O vmdk no.vmdk < <(cat small.raw) 2>message
grep -q 'cannot be split' message || fail "$(cat message)"
exits 1 imgconv -o subformat=monolithicFlat disk.raw 'no".vmdk' 2>message
grep -q 'quotation marks' message || fail "$(cat message)"
[ -z "$(find . -name 'no*.vmdk')" ] || fail "a target is left: $(find . -name 'no*.vmdk')"

# Deltas hold the difference alone, and name what they stand on.
cp disk.raw later.raw
place later.raw 300000 text 5000
place later.raw 524288 /dev/zero 262144
for parent in new1.vmdk flat.vmdk; do
	for zeroed in off on; do
		for type in monolithicSparse twoGbMaxExtentSparse; do
			rm -f delta*
			imgconv -B $parent -o subformat=$type,zeroed_grain=$zeroed later.raw delta.vmdk
			judged delta.vmdk later.raw "a delta of $parent, $type, $zeroed"
			same "$(hash_of cat later.raw)" "$(hash_content delta.vmdk)" "a delta"
			same "$(field cid $parent)" "$(field parent-cid delta.vmdk)" "parentCID"
			imginfo delta.vmdk 2>message >/dev/null
			[ ! -s message ] || fail "a good delta is told to be odd: $(cat message)"
		done
	done
done
