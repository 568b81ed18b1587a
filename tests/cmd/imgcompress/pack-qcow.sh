# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcompress --in-place -c of qcow, version 1: plain clusters are compressed where they are, nothing is
# lost to gaps, and QEMU reads the same disk; killed at any write the image is whole, and the next run
# goes on.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires qemu-img --version
requires strace -V
. "$srcdir/tests/cmd/imgcompress/packed.sh"

# sound WHAT RAW: QEMU reads RAW in the image, and its tables are right.
sound() {
	imgcheck -q image || fail "$1: imgcheck"
	qemu-img compare -q -f raw -F qcow "$2" image || fail "$1: another content"
}

# packs WHAT MOST ARG...: at most MOST bytes with the same content; the second time nothing is left to do.
packs() {
	local what=$1 most=$2 old

	shift 2
	qemu-img convert -f qcow -O raw image was.raw
	old=$(stat -c %s image)
	imgcompress --in-place -c "$@" --dry-run --output=json image >told.json
	same "$old" "$(stat -c %s image)" "$what: a dry run"
	imgcompress --in-place -c "$@" --output=json image >report.json
	sound "$what" was.raw
	[ "$(stat -c %s image)" -le "$most" ] || fail "$what: $(stat -c %s image) bytes"
	[ "$(stat -c %s image)" -le "$(jq .after told.json)" ] || fail "$what: longer than told"
	old=$(sha256sum <image)
	imgcompress --in-place -c -q image
	same "$old" "$(sha256sum <image)" "$what: the second time"
}

# A new image, compressed, is what it could be; clusters of 64 KiB are made by zlib.
filled qcow qemu-img create -q -f qcow image 4M
# limit CLUSTER: $most is what a new image takes, and three clusters for what begins a new one.
limit() {
	imgconv -q -O qcow -c -o cluster_size="$1" disk.raw new
	most=$(($(stat -c %s new) + 3 * $1))
}

limit 4096
packs "made by QEMU" "$most"
[ "$(jq .compressed report.json)" -ge 1500000 ] || fail "$(cat report.json)"
[ "$(jq .plain report.json)" -ge 200000 ] || fail "noise is plain"
# The file ends with the last packed one.
(head -c 64k text && head -c 64k /dev/urandom && head -c 64k text) >three.raw
imgconv -q -f raw -O qcow -o cluster_size=64k three.raw image
imgconv -q -f raw -c -O qcow -o cluster_size=64k three.raw new
packs "three clusters" "$(stat -c %s new)"
filled qcow imgcreate -q -f qcow -o cluster_size=64k image 4M
limit 65536
packs "large clusters" "$most" --threads=3
cp image three
filled qcow imgcreate -q -f qcow -o cluster_size=64k image 4M
imgcompress --in-place -c -q --threads=1 image
cmp three image || fail "the same bytes of any number of threads"
filled qcow imgcreate -q -f qcow -o cluster_size=512 image 4M
limit 512
# Tables of nothing stay.
packs "small clusters" $((most + 32768))

# Written to again: what was compressed moves as it is, with --recode it gets smaller.
limit 4096
# QEMU 7.2 fails in the end, when all is written.
qemu-img convert -f raw -O qcow -c disk.raw image || qemu-img compare -q -f raw -F qcow disk.raw image
qemu-io -f qcow -c "write -s part.01 1792k 256k" -c "write -P 7 3M 64k" image >/dev/null
packs "compressed by QEMU" $((most + 262144))
old=$(stat -c %s image)
imgcompress --in-place -c --level=best -q image
[ "$(stat -c %s image)" -lt "$old" ] || fail "--level=best: no shorter"
sound "--level=best" was.raw

# A disk that grew has its L1 table behind the data, and over another file zeros are clusters.
filled qcow imgcreate -q -f qcow -o cluster_size=512 image 4M
imgresize -q image 600M
limit 512
packs "a longer L1 table" $((most + 262144))
qemu-io -f qcow -c "write -s part.01 500M 256k" image >/dev/null
packs "written to afterwards" $((most + 524288))
filled qcow qemu-img create -q -f qcow -b disk.raw -F raw image 4M
qemu-io -f qcow -c "write -P 0 64k 512k" image >/dev/null
limit 4096
packs "a backing file" $((most + 262144))
qemu-img info image | grep -q "backing file: disk.raw" || fail "the backing file"

# killed: at nine of its writes, from the first to the last ($STEP: at each so many).
killed() {
	local calls=pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,unlinkat n all program

	program=$(type -P imgcompress)
	filled qcow qemu-img create -q -f qcow image 4M
	cp image before
	strace -f -qq -o trace.txt -e trace=$calls "$program" --in-place -c -q image
	all=$(grep -cE "^[0-9]+ +[a-z0-9]+\(" trace.txt)
	[ "$all" -gt 20 ] || fail "only $all calls"
	for ((n = 1; n <= all; n += ${STEP-$((all / 9 + 1))})); do
		cp before image
		! strace -f -qq -o trace.txt -e trace=$calls -e "inject=$calls:signal=KILL:when=$n" \
			"$program" --in-place -c -q image 2>/dev/null || break
		imgconv -q -O raw image - | cmp - disk.raw || fail "killed at call $n"
		imgcompress --in-place -c -q image || fail "killed at call $n: it cannot go on"
		sound "killed at call $n" disk.raw
		[ "$(stat -c %s image)" -le "$most" ] || fail "killed at call $n: it was not finished"
	done
}
# Leaks are not looked for under strace.
[ "${SANITIZER-}" ] || killed

says 1 "compressed with deflate alone" --in-place -c --codec=zstd
says 1 "0 to 12" --in-place -c --level=13
printf secret >key
imgconv -q -O qcow -o encrypt.format=aes --new-key-file=key part.00 image
says 63 "is encrypted" --in-place -c --key-file key
