# SPDX-License-Identifier: LGPL-2.1-or-later
# qcow images of version 1 that imgconv writes: qemu-img and libqcow read the same disk, which comes
# back whole.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

# matches DISK WHAT: image.qcow is clean, and the disk in it is that of the raw file, in whole sectors.
matches() {
	exits 0 imgcheck --data -q image.qcow
	same "$(hash_padded "$1")" "$(hash_content image.qcow)" "$2"
	# QEMU's disks are not empty.
	[ -s "$1" ] || return 0
	qemu-img compare -f qcow -F raw image.qcow "$1" >compare.txt ||
		fail "qemu-img reads other content: $2: $(cat compare.txt)"
}

for size in 0 1 511 512 29357 $mib $((mib + 1)) $((11 * mib + 512)); do
	make_disk disk.raw "$size"
	for how in '' -c '-c -o level=9' '-S 0' '-m 1'; do
		# shellcheck disable=SC2086
		imgconv $how disk.raw image.qcow
		matches disk.raw "$size bytes, $how"
	done
	cat disk.raw | imgconv - -O qcow - | cat >image.qcow
	matches disk.raw "$size bytes, through pipes"
	imgconv image.qcow copy.qcow2
	imgconv copy.qcow2 image.qcow
	matches disk.raw "$size bytes, from qcow2"
done
for cluster in 512 1k 16k 64k; do
	for how in '' -c; do
		imgconv $how -o cluster_size=$cluster disk.raw image.qcow
		matches disk.raw "clusters of $cluster, $how"
	done
done

for options in cluster_size=3k cluster_size=256 cluster_size=128k level=10; do
	exits 1 imgconv -o $options disk.raw no.qcow 2>/dev/null
done
exits 1 imgconv -c -o level=10 disk.raw no.qcow 2>/dev/null
[ ! -e no.qcow ] || fail "a target is left"

# Threads do not show, and packed is smaller.
for threads in 1 2 7; do
	imgconv -c -m $threads disk.raw image$threads.qcow
	cmp image1.qcow image$threads.qcow || fail "other bytes with $threads threads"
done
imgconv disk.raw image.qcow
[ "$(stat -c %s image1.qcow)" -lt "$(stat -c %s image.qcow)" ] || fail "packed is not smaller"

# What a repair gives back is what lies behind all that is in use, if it is zeros.
cp image.qcow longer.qcow
head -c 20000 /dev/zero >>longer.qcow
exits 3 imgcheck -q longer.qcow
exits 0 imgcheck -q --repair=leaks longer.qcow
cmp image.qcow longer.qcow || fail "a repair leaves something else"
head -c 20000 noise >>longer.qcow
cp longer.qcow same.qcow
exits 3 imgcheck -q --repair=leaks longer.qcow
cmp same.qcow longer.qcow || fail "a repair throws away what somebody may need"

# A child holds the difference alone; what hides the layer below takes no space.
cp disk.raw base.raw
cp disk.raw later.raw
place later.raw $((5 * mib + 7)) text 5000
place later.raw $((8 * mib)) /dev/zero $mib
place later.raw 0 /dev/zero 600000
for cluster in 512 4k 64k; do
	for threads in 1 2 7; do
		imgconv -m $threads -o cluster_size=$cluster -B base.raw -F raw later.raw image.qcow
		matches later.raw "over a backing file, clusters of $cluster"
		[ "$(stat -c %s image.qcow)" -lt $((mib / 2)) ] || fail "a child of full size"
		[ $threads = 1 ] || cmp image.qcow first.qcow || fail "other bytes with $threads threads"
		cp image.qcow first.qcow
	done
done

# The format of what is below is not in the image: a raw disk that looks like qcow2 is refused.
imgconv disk.raw inner.qcow2
exits 1 imgconv -B inner.qcow2 -F raw disk.raw no.qcow 2>message
grep -q 'looks like a qcow2 image' message || fail "$(cat message)"
[ ! -e no.qcow ] || fail "a target is left"
