# SPDX-License-Identifier: LGPL-2.1-or-later
# cloop images from a pipe: read as they come when header and index are in front, else kept first; the
# same disk comes out, and one that is cut off is an error.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

make_disk disk.raw $((11 * mib + 12345))
want=$(hash_of cat disk.raw)
for options in version=2.0 block_size=4k version=4.0,header=first \
	version=4.0,header=first,compression_type=none version=4.0,header=first,compression_type=lz4 \
	version=4.0,compression_type=xz version=4.0; do
	imgconv -o $options disk.raw image.cloop
	same "$want" "$(cat image.cloop | imgconv -f cloop - -O raw - | sha256sum | cut -d ' ' -f 1)" \
		"$options, from a pipe to a pipe"
	cat image.cloop | imgconv - probed.raw
	cmp probed.raw disk.raw || fail "$options, from a pipe, not said to be cloop"
	cat image.cloop | imgconv -f cloop -m 7 - copy.qcow2
	same "$(hash_padded disk.raw)" "$(hash_of imgconv copy.qcow2 -O raw -)" "$options, to qcow2"
done

# What begins as anything might is known when its end has come; then it is too late, and never silent.
place disk.raw 0 noise 65536
for type in none lz4; do
	imgconv -o version=4.0,compression_type=$type disk.raw image.cloop
	cat image.cloop >bytes.raw
	exits 1 imgconv - late.raw < <(cat image.cloop) 2>message
	grep -q 'ends as a cloop image' message || fail "$(cat message)"
	[ ! -e late.raw ] || fail "a target is left"
	exits 2 imgcmp -F raw - bytes.raw < <(cat image.cloop) 2>/dev/null
	imgconv -f raw - late.raw < <(cat image.cloop)
	cmp late.raw bytes.raw || fail "$type, said to be raw"
	imgconv -f cloop - late.raw < <(cat image.cloop)
	cmp late.raw disk.raw || fail "$type, said to be cloop"
	rm late.raw
done

imgconv disk.raw image.cloop
len=$(stat -c %s image.cloop)

# Its first half is on the disk before the second has come.
has_come() {
	[ "$(stat -c %s early.raw)" -ge $mib ]
}
true >early.raw
(
	head -c $((len / 2)) image.cloop
	while [ ! -e go ] && [ -d "$workdir" ]; do sleep 0.02; done
	tail -c +$((len / 2 + 1)) image.cloop
) | imgconv - -O raw - >early.raw &
becomes has_come || fail "nothing came out before all had come in"
touch go
wait
cmp early.raw disk.raw || fail "what came early is wrong"

# Nothing is kept of it: no temporary file is made.
TMPDIR=/nonexistent imgconv - lean.raw < <(cat image.cloop)
cmp lean.raw disk.raw || fail "without a folder for temporary files"

for part in 1 2 3; do
	exits 4 imgconv -f cloop - cut.raw < <(head -c $((len * part / 4)) image.cloop) 2>/dev/null
	[ ! -e cut.raw ] || fail "a target is left"
done

# An index that is wrong is no reason not to read on.
printf '\377' | dd of=image.cloop bs=1 seek=$((136 + 8 * 20)) conv=notrunc status=none
exits 4 imgconv --salvage -f cloop - rest.raw < <(cat image.cloop) >/dev/null 2>&1
place rest.raw $((19 * 65536)) /dev/zero 131072
place disk.raw $((19 * 65536)) /dev/zero 131072
cmp rest.raw disk.raw || fail "more than two blocks are lost"
