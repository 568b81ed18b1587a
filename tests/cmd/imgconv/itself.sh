# SPDX-License-Identifier: LGPL-2.1-or-later
# --in-place makes the file itself the target: what is told before, what is refused and leaves the file
# as it was, another name, and what may be undone.
. "$srcdir/tests/functions.sh"

content() { imgconv -q -O raw "$1" - | sha256sum; }
# refused STATUS PATTERN ARG...: of imgconv --in-place; nothing changes.
refused() {
	local before

	before=$(sha256sum image.*)
	exits "$1" imgconv --in-place "${@:3}" 2>err
	grep -q -- "$2" err || fail "not the reason: $(cat err)"
	same "$before" "$(sha256sum image.*)" "what was refused changed something"
}

truncate -s 5000000 disk.raw
printf begin | dd of=disk.raw conv=notrunc status=none
seq 20000 | dd of=disk.raw bs=1 seek=3000000 conv=notrunc status=none
cp disk.raw image.raw

imgconv --in-place --dry-run --output=json -O qcow2 image.raw >plan.json
cmp disk.raw image.raw
inode=$(stat -c %i image.raw)
imgconv --in-place image.raw image.qcow2
[ ! -e image.raw ] || fail "it has both names"
same "$inode" "$(stat -c %i image.qcow2)" "the file is another one"
grep -q "\"file-size-after\": $(stat -c %s image.qcow2)\b" plan.json || fail "$(cat plan.json)"
imgcheck -q image.qcow2
imgconv --in-place -O qcow2 image.qcow2

cp -p image.qcow2 image.copy
imgconv --in-place --undo image.copy 2>err
cmp disk.raw image.copy
imgconv --in-place --undo image.copy
cp image.copy other.qcow2
imgconv --in-place -O raw other.qcow2 2>/dev/null || fail "what has that format is refused"
exits 1 imgconv --in-place -O qcow2 -o cluster_size=3k other.qcow2 2>/dev/null
cmp disk.raw other.qcow2
rm other.qcow2
rm image.copy
touch image.qcow2
refused 1 "written or copied since" --undo image.qcow2

rm image.qcow2
imgcreate -q -o cluster_size=4k image.qcow2 1M
refused 1 "not made of a raw file" --undo image.qcow2
refused 1 "exists already" -O raw image.qcow2 disk.raw
refused 1 "takes no options" -O raw -o preallocation=off image.qcow2
refused 1 "copies nothing" -c -O raw image.qcow2
refused 1 "neither -O nor -o" --undo -O raw image.qcow2
refused 63 "one of them must be raw" -O vdi image.qcow2
exits 1 imgconv --dry-run disk.raw other.qcow2 2>/dev/null
imgbitmap --add image.qcow2 changes
refused 63 "holds bitmaps" -O raw image.qcow2
imgconv -q -c -f raw disk.raw image.qcow2
refused 63 "compressed" -O raw image.qcow2
imgcreate -q -b disk.raw -F raw image.qcow2
refused 63 "backing file" -O raw image.qcow2
rm image.qcow2
printf secret >key
imgcreate -q --key-file=key -o encrypt.format=luks,encrypt.iter-time=1 image.qcow2 1M
refused 63 "is encrypted; imgconv can copy it" -O raw image.qcow2
refused 63 "is encrypted; imgconv can copy it" --key-file=key -O raw image.qcow2
refused 63 "is encrypted; imgconv can copy it" --undo image.qcow2
rm image.qcow2
for raw in on off; do
	imgcreate -q -o data_file=image.data,data_file_raw=$raw image.qcow2 1M
	refused 63 "lie in another file, .image.data." -O raw image.qcow2
	refused 63 "lie in another file, .image.data." --trusted -O raw image.qcow2
	rm image.data
	refused 63 "lie in another file, .image.data." -O raw image.qcow2
	rm image.qcow2
done
cp disk.raw image.raw
refused 63 "one of them must be raw" -O vdi image.raw
refused 1 "preallocation" -O qcow2 -o preallocation=full image.raw
refused 1 "other files" -O qcow2 -o backing_file=x,backing_fmt=raw image.raw
: >image.raw
refused 1 "empty file" -O qcow2 image.raw

# What a guest wrote at the beginning of its disk would be taken for the image.
imgcreate -q inner.qcow2 1M
imgconv -q -f raw inner.qcow2 image.qcow2
rm image.raw
refused 63 "begins like a qcow2 image" -O raw image.qcow2
