# SPDX-License-Identifier: LGPL-2.1-or-later
# --tar: several sources in one archive, which tar and bsdtar unpack and qemu-img compares.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires bsdtar --version
requires zstd --version

mkdir in
seq 90000 >in/a.raw
truncate -s 4M in/a.raw
seq 144444 >in/b.raw
truncate -s 1000000 in/b.raw
qemu-img convert -f raw -O qcow2 in/a.raw in/a.qcow2
qemu-img convert -f raw -O vmdk in/b.raw in/b.vmdk
truncate -s 1000448 in/b.raw
xz -k in/b.raw
export SOURCE_DATE_EPOCH=1000000000

# unpacked FORMAT: what the members are, by two readers and in place.
unpacked() {
	rm -rf out && mkdir out
	bsdtar -xf all.tar -C out
	same "a.$1 b.$1" "$(tar -tf all.tar | xargs)" "members"
	for name in a b; do
		tar -xOf all.tar "$name.$1" | cmp - "out/$name.$1"
		qemu-img compare -q -f raw -F "$1" "in/$name.raw" "out/$name.$1"
		imgcmp -q --member "$name.*" all.tar "in/$name.raw"
	done
}

for format in raw qcow2 vmdk; do
	imgconv --tar -o "$([ $format = vmdk ] && echo cid=1)" -O $format in/a.qcow2 in/b.raw.xz all.tar
	unpacked $format
	# Into pipes, with any number of threads: the same bytes.
	imgconv --tar -o "$([ $format = vmdk ] && echo cid=1)" -O $format -m 1 in/a.qcow2 in/b.raw.xz - |
		cmp - all.tar
done
imgconv --tar -O qcow2 -c --filter zstd in/a.qcow2 in/b.vmdk all.tar.zst
zstd -qdcf all.tar.zst >all.tar
unpacked qcow2
imgcmp -q --member 2 all.tar.zst in/b.raw

# Zeros of a file are holes of the archive; what is raw goes into a pipe without a file in between.
truncate -s 100M in/hole.raw
imgconv --tar -O raw in/hole.raw holes.tar
imgconv --tar -O raw in/hole.raw - >again.tar
cmp holes.tar again.tar
[ "$(stat -c %b holes.tar)" -lt 100 ] || fail "zeros take space"
same 104857600 "$(tar -tvf holes.tar | awk '{ print $3 }')" "size of a member"
(ulimit -f 1024 && imgconv --tar -O raw in/hole.raw in/a.raw -) | tar -xOf - a.raw | cmp - in/a.raw
# Of an unknown length: known when it is there.
imgconv --tar -O raw - in/a.raw - < <(cat in/b.raw) | tar -xOf - disk.raw | cmp - in/b.raw

# refused TEXT ARGUMENT...: with that sentence, and no archive is left.
refused() {
	local text=$1
	shift

	exits 1 imgconv --tar "$@" none.tar 2>said
	grep -q -- "$text" said || fail "$* says: $(cat said)"
	[ ! -e none.tar ] || fail "an archive is left"
}
refused 'has a member "a.raw" already' -O raw in/a.qcow2 in/a.raw
refused 'give it with -O' in/a.qcow2
refused 'cannot go with --digest' -O raw --digest sha256 in/a.qcow2
refused 'cannot go with --backing' -O qcow2 -B in/a.raw in/a.qcow2
refused 'nothing.raw' -O raw in/a.raw in/nothing.raw
cp in/a.raw "$(printf 'in/%0101d' 1)"
refused 'longer than the 100 bytes' -O raw "$(printf 'in/%0101d' 1)"
exits 1 imgconv --tar -O raw in/a.raw in/b.raw in/b.raw 2>said && grep -q 'the same file' said
cmp in/b.raw <(xz -dc in/b.raw.xz) || fail "a source was written"

imgcreate -q -b in/a.qcow2 -F qcow2 over.qcow2
hash=$(sha256sum in/a.qcow2)
exits 1 imgconv --tar -O raw in/b.raw over.qcow2 in/a.qcow2 2>said
same "imgconv: in/a.qcow2: is read for what would be written there, and cannot be the target as well" "$(cat said)" "over the backing file"
same "$hash" "$(sha256sum in/a.qcow2)" "a backing file was written"
