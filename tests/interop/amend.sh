# SPDX-License-Identifier: LGPL-2.1-or-later
# Images of qemu-img and of our own that are amended: qemu-img finds them clean, says what was asked
# for, and reads what was in them.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

# content: what qemu-img sees of image.qcow2.
content() {
	rm -f content.raw
	qemu-img convert -O raw image.qcow2 content.raw
	hash_of cat content.raw
}

# amends OPTIONS [INFO]: changes image.qcow2, whose content stays; qemu-img says it has INFO.
amends() {
	local before
	before=$(content)
	imgamend -q -o "$1" image.qcow2
	clean image.qcow2
	same "$before" "$(content)" "the content after $1"
	has_options image.qcow2 "${2-$1}"
}

# refuses STATUS OPTIONS WORD: image.qcow2 stays as it is, and the message says WORD.
refuses() {
	cp image.qcow2 before.qcow2
	exits "$1" imgamend -q -o "$2" image.qcow2 2>message.txt
	grep -q "$3" message.txt || fail "$2: the message does not say $3: $(cat message.txt)"
	cmp image.qcow2 before.qcow2 || fail "$2: refused, but something changed"
}

make_disk disk.raw $((3 * mib))

# Every width from every other; the steps lead over all pairs.
for maker in qemu-img imgconv; do
	rm -f image.qcow2
	case $maker in
	qemu-img) qemu-img convert -O qcow2 -o cluster_size=4k disk.raw image.qcow2 ;;
	imgconv) imgconv -q -O qcow2 -o cluster_size=4k disk.raw image.qcow2 ;;
	esac
	imgamend -q -o refcount_bits=1 image.qcow2
	width=0
	for step in 1 2 3 4 5 6; do
		for _ in 1 2 3 4 5 6 7; do
			width=$(((width + step) % 7))
			imgamend -q -o refcount_bits=$((1 << width)) image.qcow2
			clean image.qcow2
		done
	done
	amends refcount_bits=32
	qemu-img compare -q -F raw image.qcow2 disk.raw
done

# Snapshots share clusters, which one bit cannot count.
qemu-img snapshot -c before image.qcow2
qemu-io -c 'write -P 5 100k 50k' image.qcow2 >/dev/null
refuses 1 refcount_bits=1 "in use 2 times"
for bits in 2 64 8; do
	amends refcount_bits=$bits
	same "$(hash_of cat disk.raw)" "$(hash_content image.qcow2 -l before)" "the snapshot"
done
qemu-img snapshot -d before image.qcow2
amends refcount_bits=1
refuses 1 refcount_bits=3 "power of two"

# Down and up again, without a backing file: zeros become holes, here and in snapshots.
for options in cluster_size=64k cluster_size=512,refcount_bits=8,lazy_refcounts=on; do
	rm -f image.qcow2
	qemu-img create -q -f qcow2 -o $options image.qcow2 3M
	qemu-io -c 'write -P 3 0 2M' -c 'write -z 512k 256k' -c 'write -z -u 1M 100k' \
		-c 'write -z 2500k 64k' image.qcow2 >/dev/null
	qemu-img snapshot -c old image.qcow2
	qemu-io -c 'write -P 4 600k 30k' image.qcow2 >/dev/null
	snapshot=$(hash_content image.qcow2 -l old)
	amends compat=0.10 compat=0.10,refcount_bits=16
	same "$snapshot" "$(hash_content image.qcow2 -l old)" "the snapshot in 0.10"
	qemu-io -c 'write -P 6 0 3M' image.qcow2 >/dev/null
	clean image.qcow2
	refuses 1 refcount_bits=8 "16 bits"
	refuses 1 lazy_refcounts=on "compat=1.1"
	amends compat=1.1,refcount_bits=8,lazy_refcounts=on
	amends lazy_refcounts=off
	same "$snapshot" "$(hash_content image.qcow2 -l old)" "the snapshot in 1.1"
done

# Version 3 wants to know of each snapshot how large its disk was.
rm -f image.qcow2
qemu-img create -q -f qcow2 -o compat=0.10 image.qcow2 3M
qemu-img snapshot -c old image.qcow2
table=$(od -An -td8 --endian=big -j 64 -N 8 image.qcow2)
printf '\0\0\0\0' | dd of=image.qcow2 bs=1 seek=$((table + 36)) conv=notrunc status=none
refuses 63 compat=1.1 "size of its disk"

# Above a backing file zeros are stored; the file itself is not needed.
rm -f image.qcow2
qemu-img create -q -f raw base.raw 3M
qemu-io -f raw -c 'write -P 7 0 3M' base.raw >/dev/null
qemu-img create -q -f qcow2 -b base.raw -F raw image.qcow2 3100k
qemu-io -c 'write -P 3 0 1M' -c 'write -z 512k 256k' -c 'write -z 2M 300k' -c 'write -z 3000k 100k' \
	image.qcow2 >/dev/null
mv base.raw moved.raw
cp image.qcow2 twin.qcow2
imgamend -q -o compat=0.10 image.qcow2
mv moved.raw base.raw
clean image.qcow2
has_options image.qcow2 compat=0.10
qemu-img compare -q image.qcow2 twin.qcow2 || fail "zeros above a backing file"
cp twin.qcow2 image.qcow2
qemu-img snapshot -c zeros image.qcow2
refuses 63 compat=0.10 snapshot

# Names.
cp base.raw other.raw
rm base.raw
imgamend -q -o backing_file=other.raw image.qcow2
same "other.raw raw" "$(qemu-img info --output=json image.qcow2 |
	jq -r '."backing-filename" + " " + ."backing-filename-format"')" "the new name"
mv other.raw base.raw
imgamend -q -o backing_file=./base.raw,backing_fmt= image.qcow2
same "./base.raw null" "$(qemu-img info --output=json image.qcow2 |
	jq -r '."backing-filename" + " " + (."backing-filename-format" | tostring)')" "no format"
refuses 1 "backing_file=$(printf 'x%.0s' {1..1030})" 1023
refuses 1 backing_file=,backing_fmt=raw "needs backing_file"
imgamend -q -o backing_file= image.qcow2
same null "$(qemu-img info --output=json image.qcow2 | jq '."backing-filename"')" "no backing file"
clean image.qcow2

# A data file that is to be read alone; before, it holds old bytes where the disk has zeros.
rm -f image.qcow2 data.raw
qemu-img create -q -f qcow2 -o data_file=data.raw image.qcow2 3M
qemu-io -c 'write -P 3 0 2M' image.qcow2 >/dev/null
qemu-io -c 'write -z 512k 256k' image.qcow2 >/dev/null
printf garbage | dd of=data.raw bs=1 seek=600k conv=notrunc status=none
printf garbage | dd of=data.raw bs=1 seek=2500k conv=notrunc status=none
amends data_file_raw=on
qemu-img compare -q -f qcow2 -F raw image.qcow2 data.raw || fail "data_file_raw"
refuses 1 backing_file=base.raw "raw data file"
refuses 1 compat=0.10 "data file"
amends data_file_raw=off
cp data.raw renamed.raw
amends data_file=renamed.raw
refuses 1 data_file= "data file"

# What version 2 has no words for.
for options in extended_l2=on compression_type=zstd; do
	rm -f image.qcow2
	qemu-img create -q -f qcow2 -o $options image.qcow2 3M
	refuses 1 compat=0.10 "needs compat=1.1"
	refuses 1 data_file=x "its name alone"
done
rm -f image.qcow2
qemu-img create -q -f qcow2 image.qcow2 3M
qemu-img bitmap --add image.qcow2 b
refuses 1 compat=0.10 bitmaps
amends refcount_bits=64
same b "$(qemu-img info --output=json image.qcow2 |
	jq -r '."format-specific".data.bitmaps[0].name')" "the bitmap"
