# SPDX-License-Identifier: LGPL-2.1-or-later
# qcow2 disks of other sizes: after each step qemu-img finds the image clean and reads what a raw disk
# holds that truncate gave the same size; snapshots, bitmaps, data files and backing files too.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

# become BYTES ARG...: image.qcow2 and its twin disk.raw get that size.
become() {
	local what="$options, $*"

	imgresize -q --shrink --force image.qcow2 "$@" || fail "$what: imgresize"
	truncate -s "$1" disk.raw
	judged image.qcow2 disk.raw "$what"
	imgcheck -q image.qcow2 || fail "$what: imgcheck"
}

# as_short_as_new: hardly longer than a new image of the same disk.
as_short_as_new() {
	local found wanted

	found=$(stat -c %s image.qcow2)
	wanted=$(imgconv -q -O qcow2 -o "$options" disk.raw new.qcow2 && stat -c %s new.qcow2)
	[ "$found" -le $((wanted + wanted / 16 + 131072)) ] ||
		fail "$options: $found bytes, and a new image has $wanted"
}

for options in compat=1.1 compat=0.10 extended_l2=on cluster_size=512 \
	cluster_size=4k,refcount_bits=64; do
	make_disk disk.raw $((11 * mib))
	rm -f image.qcow2
	qemu-img convert -f raw -O qcow2 -o $options disk.raw image.qcow2
	become $((70 * mib))
	become $((9 * mib + 512))
	become $((2 * mib + 1536)) --compact
	as_short_as_new
	become $((12 * mib)) --preallocation=metadata
	become $((8 * mib)) --compact
	become $((13 * mib)) --preallocation=falloc
	[ $(($(stat -c %b image.qcow2) * 512)) -ge $((5 * mib)) ] || fail "$options: no space is set aside"
done

# What qemu-img makes larger again has zeros where something was cut off.
options=compat=1.1
make_disk disk.raw $((11 * mib))
rm -f image.qcow2
qemu-img convert -f raw -O qcow2 disk.raw image.qcow2
become $((2 * mib + 1536))
qemu-img resize -q image.qcow2 $((4 * mib))
truncate -s $((4 * mib)) disk.raw
judged image.qcow2 disk.raw "made larger by qemu-img"

# Compressed clusters, which share those of the file.
for options in compat=1.1 cluster_size=4k; do
	make_disk disk.raw $((11 * mib))
	rm -f image.qcow2
	qemu-img convert -c -f raw -O qcow2 -o $options disk.raw image.qcow2
	qemu-io -c 'write -P 3 2M 300k' image.qcow2 >/dev/null
	qemu-img convert -O raw image.qcow2 disk.raw
	become $((8 * mib + 700 * 1024)) --compact
	become $((3 * mib + 512)) --compact
	become $((20 * mib))
done

# Snapshots of several sizes: qemu-img goes back to each, and to what lies between.
for options in compat=1.1 cluster_size=4k; do
	make_disk disk.raw $((11 * mib))
	rm -f image.qcow2
	qemu-img convert -f raw -O qcow2 -o $options disk.raw image.qcow2
	for size in 11 6 15 3; do
		[ $size = 11 ] || become $((size * mib)) --compact
		qemu-img snapshot -c at$size image.qcow2
		cp disk.raw at$size.raw
		qemu-io -c "write -P $size 1M 1M" image.qcow2 >/dev/null
		qemu-img convert -O raw image.qcow2 disk.raw
	done
	for size in 11 6 15 3; do
		cp image.qcow2 back.qcow2
		qemu-img snapshot -a at$size back.qcow2
		judged back.qcow2 at$size.raw "$options, back to $size MiB"
	done
done
qemu-img create -q -f qcow2 -o compat=0.10 old.qcow2 4M
qemu-img snapshot -c one old.qcow2
cp old.qcow2 before.qcow2
exits 63 imgresize -q old.qcow2 8M 2>message.txt
grep -q compat=1.1 message.txt || fail "the way out is not told: $(cat message.txt)"
cmp old.qcow2 before.qcow2

# A backing file that is longer shows nowhere in what is new, in either version.
truncate -s 30M base.raw
for at in 0 11 25; do
	place base.raw $((at * mib)) noise $mib
done
for options in compat=1.1 compat=0.10; do
	rm -f image.qcow2
	qemu-img create -q -f qcow2 -o $options -b base.raw -F raw image.qcow2 $((11 * mib - 512))
	qemu-io -c 'write -P 4 2M 1M' image.qcow2 >/dev/null
	qemu-img convert -O raw image.qcow2 disk.raw
	become $((20 * mib))
	become $((512 * 1023))
	become $((26 * mib + 512)) --compact
	become $((40 * mib))
done

# A raw data file is the disk.
for raw in on off; do
	options=data_file_raw=$raw
	make_disk disk.raw $((11 * mib))
	rm -f image.qcow2
	qemu-img create -q -f qcow2 -o data_file=data,data_file_raw=$raw image.qcow2 11M
	qemu-img convert -n -f raw -O qcow2 disk.raw image.qcow2
	for size in 20 5 9; do
		become $((size * mib))
		[ $raw = off ] || cmp data disk.raw
	done
	become $((12 * mib)) --preallocation=full
done

# dirty: bytes that have changed, of each bitmap.
dirty() {
	imgbitmap --output=json image.qcow2 | jq -c '[.bitmaps[].dirty]'
}

options=bitmaps
qemu-img create -q -f qcow2 image.qcow2 8M
qemu-img bitmap --add -g 512 image.qcow2 fine
qemu-img bitmap --add image.qcow2 coarse
make_disk disk.raw $((8 * mib))
qemu-img convert -n -f raw -O qcow2 disk.raw image.qcow2
before=$(dirty)
become $((300 * mib))
same "$before" "$(dirty)" "what has changed"
become $((mib + 512)) --compact
become $((8 * mib))
same '["auto"] ["auto"]' "$(qemu-img info --output=json image.qcow2 |
	jq -c '."format-specific".data.bitmaps[].flags' | xargs -d '\n')" "the bitmaps that qemu-img sees"
