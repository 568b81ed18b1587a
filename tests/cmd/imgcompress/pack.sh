# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcompress --in-place -c: plain clusters are compressed where they are, compressed ones are moved as
# they are, and disk, snapshots and bitmaps stay what they are; killed at any write the image is whole;
# what cannot be is refused with a reason.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires qemu-img --version
requires strace -V
. "$srcdir/tests/cmd/imgcompress/packed.sh"

# made OPTIONS: such a qcow2 image.
made() {
	filled qcow2 qemu-img create -q -f qcow2 ${1:+-o "$1"} image 4M
}

# content SNAPSHOT...: of the disk and of these; QEMU cannot tell them behind a journal that is half done.
content() {
	local name

	for name in "" "$@"; do
		imgconv -q ${name:+--snapshot="$name"} -O raw image - | sha256sum
	done
}

sound() {
	imgcheck -q image || fail "$1: imgcheck"
	qemu-img check -q image >check.txt || fail "$1: $(cat check.txt)"
}

# packs WHAT SNAPSHOTS ARG...: shorter, with the same content; a second time nothing is left to do.
packs() {
	local what=$1 snapshots=$2 old new

	shift 2
	# shellcheck disable=SC2086
	old=$(content $snapshots)
	new=$(stat -c %s image)
	imgcompress --in-place -c "$@" --dry-run --output=json image >told.json
	same "$new" "$(stat -c %s image)" "$what: a dry run"
	imgcompress --in-place -c "$@" --output=json image >report.json
	# shellcheck disable=SC2086
	same "$old" "$(content $snapshots)" "$what: another content"
	sound "$what"
	[ "$(stat -c %s image)" -lt "$new" ] || fail "$what: no shorter"
	[ "$(stat -c %s image)" -le "$(jq .after told.json)" ] || fail "$what: longer than told"
	new=$(sha256sum <image)
	imgcompress --in-place -c -q image
	same "$new" "$(sha256sum <image)" "$what: the second time"
}

for options in "" compat=0.10 cluster_size=4k extended_l2=on compression_type=zstd; do
	made "$options"
	qemu-img compare -q -f raw -F qcow2 disk.raw image || fail "$options: the test itself"
	imgconv -q -O qcow2 -c ${options:+-o "$options"} disk.raw new
	packs "$options" ""
	[ "$(stat -c %s image)" -le $(($(stat -c %s new) + 131072)) ] || fail "$options: it is longer than new"
	[ "$(jq .compressed report.json)" -ge 1500000 ] || fail "$options: $(cat report.json)"
	[ "$(jq .plain report.json)" -ge 200000 ] || fail "$options: noise is plain"
done
made
packs "one thread" "" --threads=1
sha256sum <image >one
made
packs "three threads" "" --threads=3
same "$(cat one)" "$(sha256sum <image)" "the same bytes of any number of threads"

# Holes between compressed clusters are closed without a codec; with a level all is compressed anew.
qemu-img convert -f raw -O qcow2 -c disk.raw image
qemu-io -c 'write -z 1M 64k' -c 'discard 128k 64k' -c 'write -P 7 3M 64k' image >/dev/null
packs "compressed by QEMU" ""
size=$(stat -c %s image)
imgcompress --in-place -c --level=best -q image
[ "$(stat -c %s image)" -lt "$size" ] || fail "--level=best: no shorter"
sound "--level=best"

# What snapshots share stays shared; bitmaps keep what they say; what lies below stays below.
made
qemu-img snapshot -c first image
qemu-img bitmap --add -g 64k image changes
qemu-io -c 'write -P 99 256k 512k' -c 'write -z 0 64k' image >/dev/null
qemu-img snapshot -c second image
qemu-io -c 'write -P 98 3M 256k' image >/dev/null
bitmap=$(imgbitmap --extents image changes)
packs "snapshots" "first second"
same "$bitmap" "$(imgbitmap --extents image changes)" "a bitmap"
qemu-img create -q -f qcow2 -b disk.raw -F raw image 4M
qemu-io -c 'write -s part.01 1M 256k' -c 'write -P 0 2M 128k' image >/dev/null
packs "a backing file" ""
qemu-img info image | grep -q "backing file: disk.raw" || fail "the backing file"

# killed: at nine of its writes, from the first to the last ($STEP: at each so many).
killed() {
	local calls=pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,unlinkat n all old program

	program=$(type -P imgcompress)
	made
	qemu-img snapshot -c first image
	cp image before
	old=$(content first)
	strace -f -qq -o trace.txt -e trace=$calls "$program" --in-place -c -q image
	all=$(grep -cE "^[0-9]+ +[a-z0-9]+\(" trace.txt)
	[ "$all" -gt 20 ] || fail "only $all calls"
	for ((n = 1; n <= all; n += ${STEP-$((all / 9 + 1))})); do
		cp before image
		! strace -f -qq -o trace.txt -e trace=$calls -e "inject=$calls:signal=KILL:when=$n" \
			"$program" --in-place -c -q image 2>/dev/null || break
		same "$old" "$(content first)" "killed at call $n"
		imgcompress --in-place -c -q image || fail "killed at call $n: it cannot go on"
		same "$old" "$(content first)" "killed at call $n, and gone on"
		sound "killed at call $n"
	done
}
# Leaks are not looked for under strace.
[ "${SANITIZER-}" ] || killed

says 1 "one way for all" --in-place -c --codec=zstd
says 1 "no use" --in-place --level=3
says 1 "need --in-place" -c
made refcount_bits=1
says 63 "too small" --in-place -c
imgcreate -q -f qcow2 -o data_file=data image 4M
says 63 "a file of their own" --in-place -c
qemu-img create -q -f vdi image 4M
says 63 "vdi images are not compressed in place" --in-place -c -f vdi
printf secret >key
imgconv -q -O qcow2 -o encrypt.format=luks,encrypt.iter-time=10 --new-key-file=key part.00 image
says 63 "is encrypted" --in-place -c --key-file key

# What has a place, and was never written, is found without being read: 128 GiB of it in seconds.
rm -f huge.qcow2
qemu-img create -q -f qcow2 -o preallocation=metadata huge.qcow2 128G
qemu-io -c "write -P 3 64G 1M" -c "write -P 5 127G 4k" huge.qcow2 >/dev/null
cp --sparse=always huge.qcow2 was.qcow2
imgcompress --in-place -c --dry-run --output=json was.qcow2 >told.json
[ "$(jq '."space-needed"' told.json)" -lt $((256 << 20)) ] || fail "the room of holes: $(cat told.json)"
(
	ulimit -t 10
	imgcompress --in-place -c -q huge.qcow2
)
qemu-img check -q huge.qcow2
[ "$(stat -c %s huge.qcow2)" -lt $((20 << 20)) ] || fail "what was never written has its places still"
for at in 0 64G 127G; do
	qemu-io -r -c "read -v $at 8k" huge.qcow2 | grep -v ops >one
	qemu-io -r -c "read -v $at 8k" was.qcow2 | grep -v ops | cmp one -
done
