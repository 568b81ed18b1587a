# SPDX-License-Identifier: LGPL-2.1-or-later
# cloop images that imgconv writes: QEMU and cloop-utils read the same disk, which comes back whole and
# as long as it was, through files and pipes.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

have_utils() {
	[ -x /usr/bin/extract_compressed_fs ]
}

# padded FILE BYTES: FILE filled up with zeros to whole blocks.
padded() {
	cp "$1" padded.raw
	truncate -s %"$2" padded.raw
}

# judge_block IMAGE DISK BLOCK WHAT: what the others read; extract_compressed_fs divides by zero when
# there are less than ten blocks.
judge_block() {
	padded "$2" "$3"
	qemu-img compare -f cloop -F raw "$1" padded.raw >/dev/null || fail "qemu-img: $4"
	have_utils && [ $(($(stat -c %s padded.raw) / $3)) -ge 10 ] || return 0
	extract_compressed_fs "$1" - 2>/dev/null | cmp - padded.raw ||
		fail "extract_compressed_fs: $4"
}

# check_disk IMAGE DISK WHAT: it comes back.
check_disk() {
	exits 0 imgcheck -q --data "$1"
	same "$(hash_of cat "$2")" "$(hash_content "$1")" "$3"
}

for size in 0 1 511 512 65536 65537 $mib $((11 * mib + 12345)); do
	make_disk disk.raw "$size"
	for how in '' '-c' '-m 1' '-S 0'; do
		# shellcheck disable=SC2086
		imgconv $how disk.raw image.cloop
		check_disk image.cloop disk.raw "$size bytes, $how"
		[ "$size" = 0 ] || judge_block image.cloop disk.raw 65536 "$size bytes, $how"
	done
	sum=$(hash_of cat image.cloop)
	cat disk.raw | imgconv - -O cloop - | cat >image.cloop
	same "$sum" "$(hash_of cat image.cloop)" "$size bytes, through pipes"
	cat disk.raw | imgconv - image.cloop
	same "$sum" "$(hash_of cat image.cloop)" "$size bytes, from a pipe"
done

imgconv image.cloop copy.qcow2
imgconv copy.qcow2 again.cloop
judge_block again.cloop disk.raw 65536 "from qcow2"

for level in 1 2 3 4 5 6 7 8 9 10 11 12; do
	imgconv -o compression_level=$level disk.raw level$level.cloop
	check_disk level$level.cloop disk.raw "level $level"
	judge_block level$level.cloop disk.raw 65536 "level $level"
done
[ "$(stat -c %s level9.cloop)" -lt "$(stat -c %s level1.cloop)" ] || fail "levels have no effect"
for block in 512 4k 1M 2M; do
	imgconv -o block_size=$block disk.raw image.cloop
	check_disk image.cloop disk.raw "blocks of $block"
	judge_block image.cloop disk.raw "$(numfmt --from=iec ${block^^})" "blocks of $block"
done

# Version 4.0, of which nobody here is a judge: by itself, by its samples, and by what any reader of
# such a file looks at.
for type in zlib none xz lz4 lzo; do
	for header in first last; do
		options=version=4.0,header=$header,compression_type=$type
		imgconv -o $options disk.raw image.cloop
		check_disk image.cloop disk.raw "$options"
		sum=$(hash_of cat image.cloop)
		same "$sum" "$(cat disk.raw | imgconv -o $options - -O cloop - | sha256sum |
			cut -d ' ' -f 1)" "$options, through pipes"
		same "$header" "$(imginfo --output=json image.cloop |
			jq -r '."format-specific".header')" "$options"
	done
	tail -c 136 image.cloop | head -c 23 | tail -c 13 >version
	same '#V4.0 Format' "$(cat version)" "$type, the script at the end"
done

# A pipe gets the first block before the last one has come.
mkfifo slow
(cat disk.raw; while [ ! -e go ] && [ -d "$workdir" ]; do sleep 0.02; done; cat disk.raw) >slow &
imgconv -f raw -o version=4.0 slow -O cloop - | head -c 100000 | wc -c >seen &
becomes [ -s seen ] || fail "nothing came before the source ended"
touch go
same 100000 "$(cat seen)" "bytes that came before the source ended"
wait

exits 1 imgconv -o header=last disk.raw no.cloop 2>/dev/null
exits 1 imgconv -o compression_type=xz disk.raw no.cloop 2>/dev/null
exits 1 imgconv -o block_size=3k disk.raw no.cloop 2>/dev/null
exits 1 imgconv -o version=4.0,compression_type=xz,compression_level=10 disk.raw no.cloop 2>/dev/null
exits 1 imgconv -c -o version=4.0,compression_type=none disk.raw no.cloop 2>/dev/null
[ ! -e no.cloop ] || fail "a target is left"
imgcreate empty.cloop 100M
same "$(head -c 100M /dev/zero | sha256sum | cut -d ' ' -f 1)" "$(hash_content empty.cloop)" "empty"

have_utils || skip "extract_compressed_fs was no judge"
