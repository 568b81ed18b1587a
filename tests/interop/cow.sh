# SPDX-License-Identifier: LGPL-2.1-or-later
# cow images: the samples hold the disks that their generator says, and User-Mode Linux's own tools
# read what we write and write what we read.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

samples=$srcdir/testdata/cow
cp "$samples"/*.cow "$samples/base.img" .
chmod u+w -- *
touch -d @1000000000 base.img

count=0
while read -r want name; do
	same "$want" "$(imgconv "$name.cow" -O raw - 2>message | sha256sum | cut -d ' ' -f 1)" "$name"
	[ ! -s message ] || fail "$name: $(cat message)"
	count=$((count + 1))
done <"$samples/disks"
[ $count -ge 11 ] || fail "only $count samples were looked at"

# Size and time of the file below are compared where User-Mode Linux does it.
touch -d @1000000001 base.img
imgconv good-qemu.cow out.raw 2>message
[ ! -s message ] || fail "QEMU's: $(cat message)"
for name in uml-1 uml-2 uml-3 uml-3-64; do
	imgconv good-$name.cow out.raw 2>message
	grep -q 'its time is another one' message || fail "$name: $(cat message)"
done
truncate -s +1 base.img
touch -d @1000000000 base.img
imgconv good-uml-3.cow out.raw 2>message
grep -q 'has another size' message || fail "$(cat message)"

# What we make holds the disk, whichever layout it has, alone or over another.
make_disk disk.raw $((5 * mib + 512))
make_disk small.raw 700
for source in disk.raw small.raw; do
	for threads in 1 2 7; do
		imgconv -m $threads $source image.cow
		exits 0 imgcheck --data -q image.cow
		same "$(hash_of cat $source)" "$(hash_content image.cow)" "$source"
		[ $threads = 1 ] || cmp image.cow first.cow || fail "other bytes with $threads threads"
		cp image.cow first.cow
	done
done
cp disk.raw base.raw
cp disk.raw later.raw
place later.raw $((2 * mib + 7)) noise 5000
place later.raw 4096 /dev/zero 300000
for layout in auto uml-1 uml-2 uml-3 qemu; do
	for options in layout=$layout layout=$layout,alignment=64k; do
		imgconv -o $options -B base.raw -F raw later.raw image.cow
		exits 0 imgcheck --data -q image.cow
		same "$(hash_of cat later.raw)" "$(hash_content image.cow)" "$options over a file"
		same "${layout/auto/uml-3}" "$(imginfo --output=json image.cow |
			jq -r '."format-specific".layout')" "$options"
		[ "$(du -k image.cow | cut -f 1)" -lt 512 ] || fail "$options: takes too much space"
		cp image.cow $layout.cow
	done
done

# What is not possible is said before anything is written.
exits 1 imgconv -o layout=uml-3 disk.raw no.cow 2>message
grep -q 'over a raw file of the same size' message || fail "$(cat message)"
exits 1 imgconv -o alignment=3k disk.raw no.cow 2>/dev/null
exits 63 sh -c 'cat disk.raw | imgconv - no.cow' 2>/dev/null
imgconv disk.raw inner.qcow2
exits 1 imgconv -o layout=uml-3 -B inner.qcow2 disk.raw no.cow 2>/dev/null
[ ! -e no.cow ] || fail "a target is left"
imgconv -B inner.qcow2 disk.raw image.cow
same "$(hash_of cat disk.raw)" "$(hash_content image.cow)" "over a qcow2 image"

# What stands on nothing any more is still read, and may get something below again.
for layout in uml-1 uml-2 uml-3 qemu; do
	for options in layout=$layout layout=$layout,alignment=512; do
		imgconv -o $options -B base.raw -F raw later.raw alone.cow
		imgsnap flatten -q alone.cow
		exits 0 imgcheck --data -q alone.cow
		same null "$(imginfo --output=json alone.cow | jq '."backing-filename"')" "$options: a name"
		same "$(hash_of cat later.raw)" "$(hash_content alone.cow)" "$options on nothing"
		[ $options != layout=$layout ] || cp alone.cow alone-$layout.cow
		imgsnap rebase -q -b base.raw -F raw alone.cow 2>/dev/null
		same $layout "$(imginfo --output=json alone.cow |
			jq -r '."format-specific".layout')" "$options"
		same "$(hash_of cat later.raw)" "$(hash_content alone.cow)" "$options over a file again"
	done
done
# As they were made once: the name is empty in the usual layout, which User-Mode Linux does not read.
cp alone-uml-3.cow once.cow
imgcreate -f cow -b base.raw -F raw named.cow >/dev/null
dd if=named.cow of=once.cow bs=4136 count=1 conv=notrunc status=none
place once.cow 8 /dev/zero 4
place once.cow 32 /dev/zero 4096
exits 0 imgcheck --data -q once.cow
same "$(hash_of cat later.raw)" "$(hash_content once.cow)" "without a name"

uml_moo 2>&1 | grep -q usage || exit 0
# It wants a file below whose time is the one that the image remembers.
head -c $((5 * mib + 512)) /dev/zero >none.raw
touch -d @0 none.raw
for layout in uml-1 uml-2 uml-3; do
	uml_moo -b none.raw alone-$layout.cow moo.raw >/dev/null 2>message ||
		fail "uml_moo on $layout without a name: $(cat message)"
	cmp moo.raw later.raw || fail "uml_moo reads another disk: $layout without a name"
	rm moo.raw
done
for layout in uml-1 uml-2 uml-3; do
	uml_moo $layout.cow moo.raw >/dev/null
	cmp moo.raw later.raw || fail "uml_moo reads another disk: $layout"
	rm moo.raw
done
rm -f made.cow
uml_mkcow made.cow base.raw >/dev/null
exits 0 imgcheck -q made.cow
same "$(hash_of cat base.raw)" "$(hash_content made.cow)" "made by uml_mkcow"
imgcreate -f cow -b base.raw -F raw ours.cow >/dev/null
# Ours has the name as it was given, and theirs the whole path.
for part in '-N 32' '-j 4128'; do
	# shellcheck disable=SC2086
	cmp <(od $part made.cow) <(od $part ours.cow) || fail "uml_mkcow makes another image: $part"
done

# A disk in use, which uml_moo merges.
play=$builddir/tests/tools/play
for image in made.cow ours.cow uml-1.cow uml-2.cow; do
	cp base.raw model.raw
	[ $image = made.cow ] || [ $image = ours.cow ] || cp later.raw model.raw
	"$play" run $image model.raw 4096 3 100 writeback >told || fail "$image: $(cat told)"
	exits 0 imgcheck --data -q $image
	imgcmp $image model.raw >/dev/null || fail "$image holds something else"
	rm -f moo.raw
	uml_moo $image moo.raw >/dev/null
	cmp moo.raw model.raw || fail "uml_moo reads another disk: $image, in use"
done

# What is below has changed: nothing is written over it.
touch -d @1000000000 base.raw
exits 1 "$play" run ours.cow model.raw 4096 3 100 writeback 2>message
grep -q 'is not written: the file that it stands on has changed' message || fail "$(cat message)"
