# SPDX-License-Identifier: LGPL-2.1-or-later
# Bitmaps of QEMU are listed, changed and kept by us, and the other way round; qemu-img check finds
# nothing to complain of, and no leak.
. "$srcdir/tests/functions.sh"
requires jq --version
requires qemu-img --version
requires qemu-io --version

# ours IMAGE: name, granularity, enabled and dirty bytes as we see them.
ours() {
	imgbitmap --output=json "$1" |
		jq -r '.bitmaps[] | "\(.name) \(.granularity) \(.enabled) \(.dirty // .unusable)"'
}

# theirs IMAGE: name, granularity and flags as QEMU sees them.
theirs() {
	qemu-img info --output=json "$1" | jq -r '."format-specific".data.bitmaps // [] |
		.[] | "\(.name) \(.granularity) \(.flags | join(","))"'
}

# extents IMAGE BITMAP
extents() {
	imgbitmap --extents --output=json "$1" "$2" | jq -r '.[] | "\(.start)+\(.length)"'
}

# sound IMAGE
sound() {
	qemu-img check -q "$1" >out 2>&1 || fail "$1: $(qemu-img check "$1" 2>&1)"
}

for options in cluster_size=64k cluster_size=512 cluster_size=4k,refcount_bits=64 \
	cluster_size=2M extended_l2=on cluster_size=64k,data_file=data; do
	rm -f disk.qcow2 data
	qemu-img create -q -f qcow2 -o "$options" disk.qcow2 40M

	# Theirs, seen by us.
	qemu-img bitmap --add -g 64k disk.qcow2 coarse
	qemu-img bitmap --add --disable -g 512 disk.qcow2 still
	qemu-img bitmap --add -g 512 disk.qcow2 fine
	qemu-io -c 'write 1M 128k' -c 'write 10M 512' -c 'write 20971008 1024' disk.qcow2 >/dev/null
	same "coarse 65536 true 327680
still 512 false 0
fine 512 true 132608" "$(ours disk.qcow2)" "$options: bitmaps of QEMU"
	same "1048576+131072
10485760+512
20971008+1024" "$(extents disk.qcow2 fine)" "$options: extents"

	# Ours, seen and kept up by them.
	imgbitmap --add -g 4k disk.qcow2 mine
	imgbitmap --add --disable --merge fine -g 1M disk.qcow2 merged
	same "coarse 65536 auto
still 512 
fine 512 auto
mine 4096 auto
merged 1048576 " "$(theirs disk.qcow2)" "$options: what QEMU sees"
	same "$(qemu-img info --output=json disk.qcow2 | jq -S '."format-specific".data.bitmaps')" \
		"$(imginfo --output=json disk.qcow2 | jq -S '."format-specific".bitmaps')" \
		"$options: imginfo"
	sound disk.qcow2
	qemu-io -c 'write 30M 5000' disk.qcow2 >/dev/null
	same "31457280+8192" "$(extents disk.qcow2 mine)" "$options: recorded by QEMU"
	same "1048576+1048576
10485760+1048576
19922944+2097152" "$(extents disk.qcow2 merged)" "$options: merged"

	# What we write, and what they merge of it.
	qemu-img bitmap --add -g 64k --disable --merge mine disk.qcow2 theirs
	same "31457280+65536" "$(extents disk.qcow2 theirs)" "$options: merged by QEMU"
	imgbitmap --merge mine --enable disk.qcow2 still
	same "31457280+8192" "$(extents disk.qcow2 still)" "$options: finer"
	sound disk.qcow2
	qemu-img bitmap --clear disk.qcow2 still
	imgbitmap --clear disk.qcow2 fine
	same "" "$(extents disk.qcow2 still)$(extents disk.qcow2 fine)" "$options: cleared"

	# All ones, and nothing at all, take no clusters of bits.
	qemu-io -c 'write -z 0 40M' disk.qcow2 >/dev/null
	same "0+41943040" "$(extents disk.qcow2 fine)" "$options: all"
	imgbitmap --merge fine disk.qcow2 merged
	same "0+41943040" "$(extents disk.qcow2 merged)" "$options: all, by us"
	qemu-img bitmap --clear --merge merged disk.qcow2 coarse
	same "0+41943040" "$(extents disk.qcow2 coarse)" "$options: all of ours, by QEMU"
	sound disk.qcow2

	for name in coarse still fine mine merged theirs; do
		imgbitmap --remove disk.qcow2 $name
		sound disk.qcow2
	done
	same "" "$(ours disk.qcow2)$(theirs disk.qcow2)" "$options: all removed"
done

# Of another image, and not of one whose disk has another size.
qemu-img create -q -f qcow2 a.qcow2 40M
qemu-img create -q -f qcow2 b.qcow2 40M
qemu-img create -q -f qcow2 c.qcow2 41M
qemu-img bitmap --add a.qcow2 from
qemu-img bitmap --add c.qcow2 from
qemu-io -c 'write 5M 64k' a.qcow2 >/dev/null
imgbitmap --add -g 4k --merge from -b a.qcow2 -F qcow2 b.qcow2 to
same "5242880+65536" "$(extents b.qcow2 to)" "of another image"
exits 1 imgbitmap --merge from -b c.qcow2 b.qcow2 to 2>err

# A writer that was cut off leaves them inconsistent; they can be removed.
qemu-io -c 'write 0 64k' -c 'abort' a.qcow2 >/dev/null 2>&1 || true
same "from 65536 true it is inconsistent: who recorded in it was cut off" "$(ours a.qcow2)" "cut"
exits 1 imgbitmap --clear a.qcow2 from 2>err
exits 1 imgbitmap --extents a.qcow2 from 2>err
imgbitmap --add a.qcow2 next
same "from 65536 in-use,auto
next 65536 auto" "$(theirs a.qcow2)" "an inconsistent one stays so"
imgbitmap --remove a.qcow2 from
same "next 65536 auto" "$(theirs a.qcow2)" "and can be removed"

# Something that knows no bitmaps has written: none of them counts any more.
printf '\0' | dd of=b.qcow2 bs=1 seek=95 conv=notrunc status=none
same "to 4096 true it is inconsistent: who recorded in it was cut off" "$(ours b.qcow2)" "lost"
imgbitmap --add b.qcow2 next
same "next 65536 auto" "$(theirs b.qcow2)" "what is lost does not come back"
