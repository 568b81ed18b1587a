# SPDX-License-Identifier: LGPL-2.1-or-later
# VMDK images as qemu-img writes them, in each layout: we read the same disk, and see the same map.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

# zeros IMAGE MAPPER: where the disk reads as zeros.
zeros() {
	$2 --output=json "$1" | jq -r 'reduce .[] as $e ([];
		if length > 0 and .[-1].zero == $e.zero then .[-1].end = $e.start + $e.length
		else . + [{ start: $e.start, end: ($e.start + $e.length), zero: $e.zero }] end) |
		.[] | "\(.start) \(.end) \(.zero)"'
}

make_disk disk.raw $((11 * mib + 12288))
want=$(hash_of cat disk.raw)
for subformat in monolithicSparse monolithicFlat twoGbMaxExtentSparse twoGbMaxExtentFlat \
	streamOptimized; do
	qemu-img convert -f raw -O vmdk -o subformat=$subformat disk.raw $subformat.vmdk
	same "$want" "$(hash_content $subformat.vmdk)" "content: $subformat"
	same "$subformat" "$(imginfo --output=json $subformat.vmdk |
		jq -r '."format-specific"."create-type"')" "type of $subformat"
done
for subformat in monolithicSparse twoGbMaxExtentSparse streamOptimized; do
	same "$(zeros $subformat.vmdk 'qemu-img map')" "$(zeros $subformat.vmdk imgmap)" \
		"map of $subformat"
done

# Through a pipe.
same "$want" "$(hash_of imgconv - -O raw - <streamOptimized.vmdk)" "a stream through a pipe"

# A disk of two extents, with data where they meet.
rm disk.raw
truncate -s 2100M disk.raw
for at in 0 2147400000 2200000000; do
	place disk.raw $at noise 300000
done
for subformat in twoGbMaxExtentSparse twoGbMaxExtentFlat; do
	qemu-img convert -f raw -O vmdk -o subformat=$subformat disk.raw large.vmdk
	same 2 "$(imginfo --output=json large.vmdk |
		jq '."format-specific".extents | length')" "extents of $subformat"
	imgcmp -q disk.raw large.vmdk || fail "content: two extents, $subformat"
	rm large*
done
rm disk.raw

# A delta, with grains that are zeros.
make_disk base.raw $((8 * mib))
qemu-img convert -f raw -O vmdk base.raw base.vmdk
qemu-img create -q -f vmdk -o zeroed_grain=on -b base.vmdk -F vmdk delta.vmdk
qemu-io -c 'write -P 7 1M 200k' -c 'write -z 2M 1M' delta.vmdk >/dev/null
qemu-img convert -O raw delta.vmdk delta.raw
same "$(hash_of cat delta.raw)" "$(hash_content delta.vmdk)" "content of a delta"
same base.vmdk "$(imginfo --output=json delta.vmdk | jq -r '."backing-filename"')" "parent"

# A parent that has changed is told, as is a directory that had to be replaced by its copy.
imgconv delta.vmdk out.raw 2>warning
[ ! -s warning ] || fail "a warning about a good delta: $(cat warning)"
sed -i '/^CID=/y/0123456789abcdef/123456789abcdef0/' base.vmdk
imgconv delta.vmdk out.raw 2>warning
grep -q '^imgconv: warning: delta.vmdk: .*CID' warning || fail "no word about the CID: $(cat warning)"
for what in directory table; do
	cp "$srcdir/testdata/vmdk/good-second-$what.vmdk" .
	imgconv good-second-$what.vmdk out.raw 2>warning
	same 1 "$(grep -c '^imgconv: warning: good-second-.*: .*grain directory' warning)" \
		"one warning about a second $what: $(cat warning)"
	cmp out.raw <(imgconv "$srcdir/testdata/vmdk/good-sparse.vmdk" -O raw -) ||
		fail "content by the second $what"
done
