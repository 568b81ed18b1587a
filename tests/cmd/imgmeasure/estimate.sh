# SPDX-License-Identifier: LGPL-2.1-or-later
# How large a compressed image becomes is known from a sample, with its error; how large a plain one
# becomes from the map alone, without the data.
. "$srcdir/tests/functions.sh"
requires jq --version
requires python3 --version
requires qemu-img --version

# Text, noise and zeros in changing parts: no two regions shrink alike.
python3 - <<'PY'
import random
r = random.Random(4)
words = [r.randbytes(r.randrange(2, 12)) for _ in range(400)]
with open("disk.raw", "wb") as f:
    for i in range(24 * 16):
        block = bytearray(65536)
        noise = r.randrange(0, 65536) if i % 48 < 30 else 65536
        if r.randrange(10):
            block[:noise] = r.randbytes(noise)
            rest = b"".join(r.choices(words, k=9000))
            block[noise:] = rest[:65536 - noise]
        f.write(block)
PY

while read -r format options; do
	! left_out || continue
	exits 0 imgmeasure --output=json --sample 6M -O $format $options disk.raw >said
	exits 0 imgconv -O $format $options disk.raw out.img
	exits 0 imgmeasure --output=json -m 1 --sample 6M -O $format $options disk.raw >again
	same "$(cat said)" "$(cat again)" "another answer with one thread"
	jq -e --argjson made "$(stat -c %s out.img)" '.exactness == "estimate" and .error > 0 and
		.error < .required / 5 and .sampled <= 6291456 and
		(.required - $made | if . < 0 then -. else . end) <= .error' said >/dev/null ||
		fail "$format $options: $(cat said), but it is $(stat -c %s out.img)"
done <<END
qcow2 -c
qcow2 -c -o compression_type=zstd,cluster_size=16k
qcow -c
vmdk -o subformat=streamOptimized
cloop
END

# A larger sample has a smaller error, and the whole none.
error() {
	imgmeasure --output=json --sample "$1" -c -O qcow2 disk.raw | jq '.error // 0'
}
[ "$(error 2M)" -gt "$(error 8M)" ] || fail "the error does not get smaller"
same 0 "$(error 24M)" "all of it was compressed"

# ---- As qemu-img has it --------------------------------------------------------------------------
truncate -s 40M sparse.raw
dd if=disk.raw of=sparse.raw bs=1M count=3 seek=9 conv=notrunc status=none
key() {
	jq ".[\"$1\"]"
}
same "$(qemu-img measure --output=json -O raw sparse.raw | key required)" \
	"$(imgmeasure --output=json -O raw sparse.raw | key required)" "raw"
for options in cluster_size=64k cluster_size=4k cluster_size=2M,refcount_bits=64; do
	qemu-img measure --output=json -O qcow2 -o $options sparse.raw >theirs
	imgmeasure --output=json -O qcow2 -o $options sparse.raw >ours
	jq -e --slurpfile theirs theirs '.required <= $theirs[0].required and
		.["fully-allocated"] <= $theirs[0]["fully-allocated"] and
		.["fully-allocated"] + 4194304 > $theirs[0]["fully-allocated"]' ours >/dev/null ||
		fail "$options: $(cat ours theirs)"
done
qemu-img create -q -f qcow2 recorded.qcow2 3G
same 0 "$(imgmeasure --output=json -O qcow2 recorded.qcow2 | key bitmaps)" "no bitmap"
same null "$(imgmeasure --output=json -O vmdk recorded.qcow2 | key bitmaps)" "bitmaps in vmdk"
for bitmap in "a 64k" "b 512" "c-with-a-long-name 1M"; do
	qemu-img bitmap --add -g ${bitmap#* } recorded.qcow2 ${bitmap% *}
done
same "$(qemu-img measure --output=json -O qcow2 recorded.qcow2 | key bitmaps)" \
	"$(imgmeasure --output=json -O qcow2 recorded.qcow2 | key bitmaps)" "bitmaps"

# The directory of the bitmaps is damaged, and the disk is not.
python3 - <<'PY'
with open("recorded.qcow2", "r+b") as f:
    head = f.read(4096)
    at = head.index((0x23852875).to_bytes(4, "big")) + 8 + 16
    f.seek(int.from_bytes(head[at:at + 8], "big") + 18)
    f.write(b"\xff\xff")
PY
exits 0 imgconv recorded.qcow2 out.raw 2>err
exits 0 imgmeasure --output=json -O qcow2 recorded.qcow2 >said 2>err
same null "$(key bitmaps <said)" "damaged bitmaps"

# ---- The data are not read, the source is not written, and there may be a lot of it ---------------
truncate -s 15T vast.raw
exits 0 imgmeasure -O qcow2 vast.raw >/dev/null
exits 0 imgmeasure --output=json -O vmdk --size 3T >said
same "null" "$(key fully-allocated <said)" "more than the format can hold"
# What has a place in the image and none in its file is a hole, for whoever reads it.
qemu-img create -q -f qcow2 -o preallocation=metadata vast.qcow2 60G
exits 0 imgmeasure --output=json -O qcow2 vast.qcow2 >said
imgmeasure --output=json -O qcow2 --size 60G >empty
same "$(key required <empty)" "$(key required <said)" "a place without bytes"

# ---- Wrong words, and what cannot be measured ------------------------------------------------------
refused() {
	local status=$1 why=$2
	shift 2

	exits "$status" imgmeasure "$@" >out 2>err
	grep -q "$why" err || fail "imgmeasure $*: $(cat err)"
	[ ! -s out ] || fail "imgmeasure $* gives an answer"
}
refused 1 "stands in the place of an image" -O raw --size 1M disk.raw
refused 1 "needs an image" -O raw --size 1M --skip-free
refused 1 "needs a format" disk.raw
refused 1 "no image format" -O none disk.raw
refused 63 "cannot be compressed" -O raw -c disk.raw
head -c 100k recorded.qcow2 >cut.qcow2
imgconv disk.raw whole.qcow2
head -c 3M whole.qcow2 >cut.qcow2
refused 4 "cut.qcow2" -O raw cut.qcow2
exits 0 imgmeasure -O raw - <whole.qcow2 >out
refused 63 "pipe" -O qcow2 - < <(cat disk.raw)
