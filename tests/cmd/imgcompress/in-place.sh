# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcompress --in-place: the file gets shorter, the disk, its snapshots and its bitmaps stay what they
# are, and qemu-img finds nothing wrong; what it tells beforehand is what it does; what is refused.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires qemu-img --version
PATH=$PATH:/sbin:/usr/sbin

# filled FORMAT IMAGE [KIB]: of four pieces one is zeros and one is not written; the first comes last.
filled() {
	local commands=() i unit=${3-64}

	for i in {47..0}; do
		((i * unit >= 3072 || i % 4 == 3)) && continue
		commands+=(-c "write -P $((i % 4 == 2 ? 0 : i + 1)) $((i * unit))k ${unit}k")
	done
	qemu-io -f "$1" "${commands[@]}" "$2" >/dev/null
}

# field KEY: of the last report.
field() {
	jq ".\"$1\"" report.json
}

# shorter LESS FORMAT IMAGE: by LESS bytes at least, with the same disk; told beforehand.
shorter() {
	local less=$1 format=$2 image=$3 old new end

	imgconv -q -f "$format" -O raw "$image" old.raw
	old=$(du -cb --apparent-size "${image%.vmdk}"* | tail -1 | cut -f1)
	imgcompress --in-place --dry-run -f "$format" --output=json "$image" >report.json
	same "$old" "$(du -cb --apparent-size "${image%.vmdk}"* | tail -1 | cut -f1)" "$image: a dry run"
	same false "$(field done)" "$image: a dry run is nothing done"
	end=$(field after)
	imgcompress --in-place -f "$format" --output=json "$image" >report.json
	imgconv -q -f "$format" -O raw "$image" new.raw
	cmp old.raw new.raw || fail "$image: another disk"
	new=$(du -cb --apparent-size "${image%.vmdk}"* | tail -1 | cut -f1)
	[ $((old - new)) -ge "$less" ] || fail "$image: $old bytes have become $new"
	same "$new" "$(field after)" "$image: the size in the report"
	[ "$new" -le "$end" ] || fail "$image: $end bytes were told, and it has $new"
	imgcheck -q -f "$format" "$image" || fail "$image: imgcheck"
	! qemu-img check -f "$format" "$image" 2>&1 | tee check.txt | grep -qE 'ERROR|Leaked' ||
		fail "$image: $(cat check.txt)"
	imgcompress --in-place -q -f "$format" "$image"
	same "$new" "$(du -cb --apparent-size "${image%.vmdk}"* | tail -1 | cut -f1)" "$image: the second time"
}

for options in "" compat=0.10 cluster_size=4k extended_l2=on,cluster_size=64k refcount_bits=1 \
	lazy_refcounts=on; do
	rm -f image
	qemu-img create -q -f qcow2 ${options:+-o "$options"} image 3M
	filled qcow2 image
	shorter 700000 qcow2 image
done
# What is counted, and nothing refers to.
rm image
qemu-img create -q -f qcow2 image 3M
filled qcow2 image
size=$(stat -c %s image)
truncate -s $(((size / 65536 + 3) * 65536)) image
printf '\0\1\0\1' | dd of=image bs=1 seek=$((2 * 65536 + (size / 65536 + 1) * 2)) conv=notrunc status=none
exits 3 qemu-img check -q image
shorter 800000 qcow2 image

# Zeros that lie in holes of the file have places, too.
for format in qcow2 qcow vdi vmdk; do
	rm -f image
	qemu-img create -q -f $format image 3M
	filled $format image $([ $format != vdi ] || echo 1024)
	cp --sparse=always image holes
	shorter 700000 $format holes
	shorter 700000 $format image
done
rm -f image
imgcreate -q -f vmdk -o subformat=twoGbMaxExtentSparse image.vmdk 3M
filled vmdk image.vmdk
shorter 700000 vmdk image.vmdk
rm image.vmdk image-s001.vmdk

# Compressed clusters of zeros; what lies last of those that are packed stays.
filled_raw() {
	truncate -s 3M disk.raw
	filled raw disk.raw
}
filled_raw
qemu-img convert -f raw -O qcow2 -c disk.raw image
qemu-io -c 'write -P 7 64k 64k' -c 'write -z 64k 64k' -c 'write -P 9 128k 1M' image >/dev/null
shorter 0 qcow2 image

# Snapshots, bitmaps, and clusters that nothing refers to.
rm image
qemu-img create -q -f qcow2 image 3M
filled qcow2 image
qemu-img snapshot -c first image
qemu-img bitmap --add -g 64k image changes
qemu-io -c 'write -P 99 256k 512k' -c 'write -z 0 64k' image >/dev/null
qemu-img snapshot -c second image
qemu-io -c 'write -P 98 1M 256k' image >/dev/null
qemu-img snapshot -d second image
bitmap=$(imgbitmap --extents image changes)
first=$(imgconv --snapshot=first -q -O raw image - | sha256sum)
shorter 1 qcow2 image
same "$bitmap" "$(imgbitmap --extents image changes)" "a bitmap"
same "$first" "$(imgconv --snapshot=first -q -O raw image - | sha256sum)" "a snapshot"

# On another image zeros hide what lies below.
for format in qcow2 qcow vmdk; do
	below=$([ $format = vmdk ] && echo vmdk || echo qcow2)
	rm -f top
	qemu-img convert -f raw -O $below disk.raw below
	qemu-img create -q -f $format -b below -F $below top
	qemu-io -f $format -c 'write -P 0 0 512k' -c 'write -P 5 1M 64k' top >/dev/null
	shorter 0 $format top
done
exits 1 imgcompress --in-place --untrusted top 2>err

# The end of a qcow image is where use ends, and need not be that of a cluster, also not for QEMU.
(head -c 64k text && head -c 64k /dev/urandom && head -c 64k text) >packed.raw
imgconv -q -f raw -c -O qcow -o cluster_size=64k packed.raw image
shorter 0 qcow image
qemu-io -f qcow -c 'write -P 7 60k 8k' image >/dev/null
place packed.raw $((60 * 1024)) <(head -c 8k /dev/zero | tr '\0' '\7') 8192
qemu-img compare -q -f qcow -F raw image packed.raw || fail "written behind an end that is none of a cluster"
# The packed cluster lies between two others now, and is free.
shorter 65536 qcow image
truncate -s +100000 image
shorter 100000 qcow image
rm -f top
imgcreate -q -f qcow -b disk.raw -F raw top
[ "$(stat -c %s top)" -lt 100 ] || fail "an overlay of $(stat -c %s top) bytes"
shorter 0 qcow top

# Bytes in fixed places: holes of the file.
filled_raw
cp --sparse=never disk.raw flat.raw
before=$(stat -c %b flat.raw)
imgcompress --in-place -q -f raw flat.raw
cmp disk.raw flat.raw || fail "raw: another disk"
same "$(stat -c %s disk.raw)" "$(stat -c %s flat.raw)" "raw: the length"
[ $((before - $(stat -c %b flat.raw))) -ge 1400 ] || fail "raw: no holes"
rm -f image data
imgcreate -q -f qcow2 -o data_file=data,data_file_raw=on image 3M
filled qcow2 image
before=$(stat -c %b data)
imgcompress --in-place -q image
cmp disk.raw data || fail "data file: another disk"
[ $((before - $(stat -c %b data))) -ge 1400 ] || fail "data file: no holes"
qemu-img check -q image

# What a guest has deleted is there no more, and all that it has is.
if mke2fs -V >/dev/null 2>&1; then
	mkdir files
	seq 100000 >files/kept
	seq 300000 >files/deleted
	truncate -s 16M fs.raw
	mke2fs -q -t ext4 -d files fs.raw
	debugfs -w -R 'rm deleted' fs.raw 2>/dev/null
	imgconv -q fs.raw fs.qcow2
	imgcompress --in-place -q fs.qcow2
	before=$(stat -c %s fs.qcow2)
	imgcompress --in-place -q --skip-free fs.qcow2
	[ $((before - $(stat -c %s fs.qcow2))) -ge 1500000 ] || fail "--skip-free: nothing"
	imgconv -q -O raw fs.qcow2 fs.raw
	e2fsck -fn fs.raw >/dev/null 2>&1 || fail "--skip-free: the file system is damaged"
	debugfs -R 'cat kept' fs.raw 2>/dev/null | cmp - files/kept || fail "--skip-free: a file"

	# That is a write, of which bitmaps and whoever stands on the image have to know.
	head -c 3M /dev/zero | tr '\0' x >gone
	debugfs -w -R 'write gone gone' fs.raw >/dev/null 2>&1
	debugfs -w -R 'rm gone' fs.raw 2>/dev/null
	imgconv -q -O vdi fs.raw parent.vdi
	imgconv -q -O qcow2 fs.raw fs.qcow2
	imgbitmap --add fs.qcow2 changes
	uuid=$(imginfo parent.vdi | grep modification)
	imgcompress --in-place -q parent.vdi
	same "$uuid" "$(imginfo parent.vdi | grep modification)" "the UUID of the same disk"
	imgcompress --in-place -q fs.qcow2
	[ "$(imgbitmap --extents --output=json fs.qcow2 changes | jq length)" = 0 ] ||
		fail "a bitmap of the same disk"
	imgcompress --in-place -q --skip-free parent.vdi
	[ "$uuid" != "$(imginfo parent.vdi | grep modification)" ] || fail "another disk, the same UUID"
	imgcompress --in-place -q --skip-free fs.qcow2
	[ "$(imgbitmap --extents --output=json fs.qcow2 changes | jq length)" != 0 ] ||
		fail "the bitmap knows nothing of it"
fi

# says STATUS TEXT ARG...: refused with that sentence.
says() {
	local status=$1 text=$2
	shift 2

	exits "$status" imgcompress "$@" 2>err
	grep -q "$text" err || fail "$*: $(cat err)"
}

for option in '-O qcow2' '-t none' --dedup --deterministic --verify; do
	# shellcheck disable=SC2086 # an option and its value
	says 1 "does not go with" --in-place $option image
done
says 1 "standard input is no image that could be changed" --in-place - <disk.raw
says 1 "standard input is no image that could be changed" - <disk.raw
says 1 "need --in-place" --dry-run image new
qemu-img create -q -f qcow2 two 3M
filled qcow2 two
ln two names
sha256sum two >was
says 1 "has other names" --in-place two
sha256sum -c --quiet was
ln flat.raw names.raw
imgcompress --in-place -q -f raw flat.raw
rm -f image
imgcreate -q -f vdi -o static=on image 3M
says 63 "static VDI" --in-place image
imgconv -q -f raw -O cloop disk.raw image
says 63 "cannot be written" --in-place image
printf secret >key
imgconv -q -f raw -O luks -o iter-time=10 --new-key-file=key disk.raw image
sha256sum image >was
says 63 "zeros of its disk are none in the file" --in-place --key-file=key image
says 63 "zeros of its disk are none in the file" --in-place --dry-run --key-file=key image
sha256sum -c --quiet was
qemu-img create -q -f qcow2 damaged 3M
qemu-io -c 'write -P 1 0 1M' damaged >/dev/null
printf '\377' | dd of=damaged bs=1 seek=$((4 * 65536 + 1)) conv=notrunc status=none
exits 1 imgcompress --in-place damaged 2>err
