# SPDX-License-Identifier: LGPL-2.1-or-later
# imgconv --skip-free leaves out what the file systems of a guest do not use, and not one byte more;
# imgmap --free shows the same.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires mke2fs -V
requires debugfs -V
requires mkfs.vfat --help
requires mcopy -V
requires mkswap --version
requires sfdisk --version
requires jq --version

# noise FILE BYTES
noise() {
	openssl enc -aes-128-ctr -nosalt -pass "pass:$1" -md sha256 </dev/zero 2>/dev/null |
		head -c "$2" >"$1" || true
}

# amounts REPORT: unused bytes of each file system, or why that is not known.
amounts() {
	jq -r '.["file-systems"][] | "\(.type) \(.reason // .unused)"' "$1"
}

noise kept 3000000
noise gone 9000000

# ext_disk FILE OPTION...: one file that was deleted and one that is there.
ext_disk() {
	local image=$1

	shift
	rm -f "$image"
	mke2fs -q "$@" "$image" 64M
	printf 'write kept kept\nwrite gone gone\nrm gone\n' | debugfs -w "$image" 2>/dev/null >&2
	exits 0 e2fsck -fn "$image" >/dev/null 2>&1
}

# ---- Each file system --------------------------------------------------------------------------
for how in "-t ext2 -b 1024" "-t ext3 -b 4096" "-t ext4" "-t ext4 -O bigalloc -C 16384" \
	"-t ext4 -O ^flex_bg,^metadata_csum" "-t ext4 -O 64bit,meta_bg,^resize_inode"; do
	ext_disk ext.raw $how
	exits 0 imgconv --skip-free --output=json ext.raw out.qcow2 >report
	qemu-img convert -O raw out.qcow2 out.raw
	exits 0 e2fsck -fn out.raw >/dev/null 2>&1
	debugfs -R 'dump kept back' out.raw 2>/dev/null
	exits 0 cmp kept back
	# Nothing of the deleted file is left, and all that e2fsprogs calls free is.
	free=$(dumpe2fs -h ext.raw 2>/dev/null | awk '/^Free blocks/ { n = $3 }
		/^Block size/ { b = $3 } END { printf "%d", n * b }')
	same "ext${how:6:1} $free" "$(amounts report)" "what is free in $how"
	[ "$(stat -c %b out.raw)" -lt $((8000000 / 512)) ] || fail "$how: what is free was copied"
done

# Sectors in a cluster are chosen for 12, 16 and 32 bits.
for how in "12 4M 4" "16 64M 4" "32 64M 1"; do
	read -r bits size sectors <<<"$how"
	rm -f fat.raw
	truncate -s "$size" fat.raw
	mkfs.vfat -F "$bits" -s "$sectors" fat.raw >/dev/null
	head -c 500000 kept >small
	head -c 900000 gone >away
	mcopy -i fat.raw away small ::/
	mdel -i fat.raw ::/away
	exits 0 imgconv --skip-free --output=json fat.raw out.raw >report
	exits 0 fsck.vfat -n out.raw >/dev/null
	mcopy -o -i out.raw ::/small back
	exits 0 cmp small back
	[ "$(stat -c %b out.raw)" -lt $((800000 / 512)) ] || fail "FAT$bits: what is free was copied"
done

# ---- A disk with all of them -------------------------------------------------------------------
ext_disk ext.raw -t ext4
noise swap.raw 8388608
mkswap swap.raw >/dev/null 2>&1
put() {
	dd if="$1" of=disk.raw bs=1M seek="$2" conv=notrunc status=none
}
disk() {
	rm -f disk.raw
	truncate -s 160M disk.raw
	sfdisk -q disk.raw <<-END
		label: $1
		start=1MiB, size=64MiB, type=L
		start=65MiB, size=8MiB, type=S
		start=80MiB, size=64MiB, type=L
	END
	put ext.raw 1
	put swap.raw 65
	put fat.raw 80
}
for label in gpt dos; do
	disk $label
	exits 0 imgconv --skip-free --output=json disk.raw out.qcow2 >report
	same 3 "$(jq '.["file-systems"] | map(select(.unused > 0)) | length' report)" "volumes"
	qemu-img convert -O raw out.qcow2 out.raw
	head -c 1M disk.raw | cmp - <(head -c 1M out.raw) || fail "the partition table"
	dd if=out.raw of=out.ext bs=1M skip=1 count=64 status=none
	exits 0 e2fsck -fn out.ext >/dev/null 2>&1
	# Behind the header of swap space there is nothing.
	dd if=out.raw bs=64k skip=$((65 * 16)) count=1 status=none | cmp - <(head -c 64k swap.raw)
	dd if=out.raw bs=64k skip=$((65 * 16 + 1)) count=127 status=none | cmp -n 8323072 - /dev/zero
done

# What the map calls free became zeros, and all else is as it was.
exits 0 imgmap --free --output=json disk.raw >map
python3 - <<'PY' || fail "the map"
import json
a, b = open("disk.raw", "rb"), open("out.raw", "rb")
for ex in json.load(open("map")):
    a.seek(ex["start"])
    b.seek(ex["start"])
    there = a.read(ex["length"]) if ex["kind"] != "free" else bytes(ex["length"])
    assert b.read(ex["length"]) == there, ex
PY

# ---- What is not certain is used ---------------------------------------------------------------
# refused WHY: of the ext4 file system in ext.raw nothing counts as free, and the copy is whole.
refused() {
	exits 0 imgconv --skip-free --output=json ext.raw out.raw >report 2>err
	same "ext4 $1" "$(amounts report)" "what is said of it"
	grep -q "$1" err || fail "no warning: $(cat err)"
	exits 0 cmp ext.raw out.raw
}
ext_disk ext.raw -t ext4
debugfs -w -R 'feature needs_recovery' ext.raw 2>/dev/null >&2
refused "its journal has to be replayed"
exits 0 imgconv --skip-free=force --output=json ext.raw out.raw >report
same true "$(jq '.["file-systems"][0].forced' report)" "it is said that it was forced"
put ext.raw 1
exits 0 imgconv --skip-free --output=json disk.raw out.raw >report 2>err
grep -q "partition 2: swap: all of it counts as used" err || fail "swap beside it: $(cat err)"
ext_disk ext.raw -t ext4
debugfs -w -R 'ssv state 0' ext.raw 2>/dev/null >&2
refused "it was not unmounted"
debugfs -w -R 'ssv state 2' ext.raw 2>/dev/null >&2
refused "it is marked as damaged"
ext_disk ext.raw -t ext4
truncate -s 60M ext.raw
refused "it is larger than its partition"
ext_disk ext.raw -t ext4
at=$(dumpe2fs ext.raw 2>/dev/null | sed -n 's/.*Block bitmap at \([0-9]*\).*/\1/p' | head -n 1)
size=$(dumpe2fs -h ext.raw 2>/dev/null | sed -n 's/^Block size: *//p')
printf '\0\0\0' | dd of=ext.raw bs=1 seek=$((at * size + 100)) conv=notrunc status=none
refused "its block bitmaps are damaged"

printf '\x01' | dd of=fat.raw bs=1 seek=65 conv=notrunc status=none
exits 0 imgconv --skip-free --output=json fat.raw out.raw >report 2>err
same "vfat it was not unmounted" "$(amounts report)" "FAT in use"
exits 0 cmp fat.raw out.raw

# Two partitions over the same bytes.
sfdisk -q -f disk.raw <<-END 2>/dev/null
	label: dos
	start=1MiB, size=64MiB, type=L
END
ext_disk ext.raw -t ext4
put ext.raw 1
put ext.raw 33
python3 - <<'PY'
import struct
with open("disk.raw", "r+b") as f:
    f.seek(446 + 16)
    f.write(struct.pack("<B3sB3sII", 0, b"", 0x83, b"", 33 * 2048, 64 * 2048))
PY
exits 0 imgconv --skip-free --output=json disk.raw out.raw >report 2>err
same "2" "$(amounts report | grep -c 'overlaps another partition')" "two that overlap"
exits 0 cmp disk.raw out.raw

# ---- From a pipe, and wrong words --------------------------------------------------------------
ext_disk ext.raw -t ext4
exits 0 imgconv --skip-free ext.raw one.qcow2
exits 0 imgconv --skip-free - two.qcow2 <ext.raw 2>err
exits 0 cmp one.qcow2 two.qcow2
exits 1 imgconv --skip-free=always ext.raw out.raw 2>err
grep -q 'the only value is "force"' err || fail "$(cat err)"

# ---- Hostile ones ------------------------------------------------------------------------------
python3 - <<'PY'
import random, shutil
r = random.Random(7)
for i in range(12):
    for kind, end in ("ext", 16384), ("fat", 8192):
        shutil.copyfile(f"{kind}.raw", f"bad-{kind}-{i}.raw")
        with open(f"bad-{kind}-{i}.raw", "r+b") as f:
            for _ in range(r.choice((1, 3, 20))):
                f.seek(r.randrange(0 if kind == "fat" else 1024, end))
                f.write(bytes([r.randrange(256)]))
PY
for image in bad-*.raw; do
	! left_out || continue
	exits 0 imgmap --free=force "$image" >/dev/null 2>err
done
