# SPDX-License-Identifier: LGPL-2.1-or-later
# Several writers at once fill the parts of one target, and leave all other bytes alone.
. "$srcdir/tests/functions.sh"

dd if=/dev/urandom of=disk.raw bs=1000 count=9001 status=none
truncate -s 12000256 disk.raw
printf end | dd of=disk.raw bs=1 seek=12000200 conv=notrunc status=none
imgconv disk.raw disk.qcow2

# A part, zeros and all, and nothing else.
for source in disk.raw disk.qcow2; do
	tr '\0' x </dev/zero | head -c 12000256 >target.raw || true
	cp target.raw want.raw
	dd if=disk.raw of=want.raw bs=4096 skip=2000 seek=2000 count=300 conv=notrunc status=none
	imgconv -n --range=8000k+1200k -O raw $source target.raw
	cmp want.raw target.raw || fail "a part of $source"
done
sum=$(dd if=disk.raw bs=4096 skip=2000 count=300 status=none | sha256sum | cut -d ' ' -f 1)
imgconv -n --range=8000k+1200k --digest=sha256 disk.qcow2 target.raw | grep -q "$sum" ||
	fail "the digest is not that of the part"

# All of it by several at once, of whom the first goes on for an hour; they bear each other and nobody else.
truncate -s 0 target.raw
truncate -s 12000256 target.raw
imgconv -n --range=0+4k -r 1 disk.raw target.raw &
cleanup_fn kill "$!"
is_held() {
	grep -q ":$(stat -c %i target.raw) " /proc/locks
}
becomes is_held || fail "the file is not locked"
exits 1 imgconv -n disk.raw target.raw 2>message
grep -q QEMU message || fail "one who writes all of it was refused for: $(cat message)"
writers=()
for start in 0 3M 6M 9M; do
	len=3M
	[ $start != 9M ] || len=$((12000256 - (9 << 20)))
	imgconv -n --range=$start+$len disk.qcow2 target.raw &
	writers+=($!)
done
for writer in "${writers[@]}"; do
	wait "$writer" || fail "a writer was refused"
done
cmp disk.raw target.raw || fail "the parts do not make the whole"

for wrong in 1+4k 4k+1 0+12M 16M+4k 4k+0 4k x+y; do
	exits 1 imgconv -n --range=$wrong disk.raw target.raw 2>/dev/null
done
exits 1 imgconv --range=0+4k disk.raw target.raw 2>/dev/null
exits 1 imgconv -n --range=0+4k - target.raw <disk.raw 2>/dev/null
exits 1 imgconv -n --range=0+4k -S 0 disk.raw target.raw 2>/dev/null
cmp disk.raw target.raw || fail "what was refused has written"
