# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcompress --in-place: the room that it asks for follows what its file takes and not how long that is, and
# is enough: where there is no more the work is done.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires qemu-img --version
requires jq --version

# room ARG...: bytes that are asked for.
room() {
	imgcompress --in-place --dry-run --output=json "$@" | jq '."space-needed"'
}

# asks MIB ARG...: for no more than that.
asks() {
	local most=$1 bytes

	shift
	bytes=$(room "$@")
	[ "$bytes" -le $((most * mib)) ] || fail "$*: $bytes bytes"
}

# Holes that snapshots show are not looked for, and 64 GiB of them go down.
qemu-img create -q -f qcow2 -o preallocation=metadata huge.qcow2 128G
{
	echo "write -P 3 120G 1M"
	printf 'discard %sG 1G\n' {0..63}
} | qemu-io -d unmap huge.qcow2 >/dev/null
qemu-img snapshot -c one huge.qcow2
asks 300 huge.qcow2
asks 300 -c huge.qcow2
rm huge.qcow2

# Blocks of 256 MiB with a little in each, of which half become zeros.  QEMU knows only blocks of 1 MiB.
truncate -s 16G huge.raw
for ((at = 0; at < 16 * 1024; at += 256)); do
	echo "write -P 1 ${at}M 4k"
done | qemu-io -f raw huge.raw >/dev/null
imgconv -q -f raw -O vdi -o block_size=256M huge.raw huge.vdi
first=$(imgmap --output=json huge.vdi | jq '.[0].offset')
for ((at = 0; at < 16 * 1024; at += 512)); do
	fallocate -p -o $((at * mib)) -l 4096 huge.raw
	fallocate -p -o $((first + at * mib)) -l 4096 huge.vdi
done
asks 50 huge.vdi
imgcompress --in-place -q huge.vdi
[ "$(stat -c %s huge.vdi)" -lt $((9 * 1024 * mib)) ] || fail "huge.vdi: it is as long as before"
imgcmp -q -f raw huge.raw huge.vdi || fail "huge.vdi: another disk"
rm huge.vdi huge.raw

qemu-img create -q -f vmdk huge.vmdk 128G
for ((at = 0; at < 128 * 1024; at += 512)); do
	echo "write -P $((at % 1024 / 512)) ${at}M 64k"
done | qemu-io -f vmdk huge.vmdk >/dev/null
asks 300 huge.vmdk
rm huge.vmdk
truncate -s 128G huge.raw
asks 0 -f raw huge.raw

# scattered FORMAT UNIT N: of N units, in KiB, that were written one of three stays, the others are zeros.
scattered() {
	local i

	for ((i = $3; i-- > 0;)); do
		echo "write -P $((i % 3 ? 0 : i / 3 % 200 + 1)) $((i * $2))k $2k"
	done | qemu-io -f "$1" image >/dev/null
}

mkdir fs
mount -t tmpfs -o size=1G none fs 2>/dev/null || skip "no file system can be mounted here"
cleanup_fn umount "$workdir/fs"
cleanup_fn cd "$workdir"
cd fs
export TMPDIR=$PWD

# suffices FORMAT ARG...: the image, holes and all, on a file system that has as much room as is asked for.
suffices() {
	local format=$1 old new bytes used

	shift
	cp --sparse=always image image.new
	mv image.new image
	mount -o remount,size=1G "$PWD"
	old=$(imgconv -q -f "$format" -O raw image - | sha256sum)
	bytes=$(room -f "$format" "$@" image)
	used=$(df -B 1 --output=used . | tail -1)
	mount -o remount,size=$(((bytes / 4096 + 1) * 4096 + used)) "$PWD"
	imgcompress --in-place -q -f "$format" "$@" image || fail "$format $*: $bytes bytes are too few"
	mount -o remount,size=1G "$PWD"
	new=$(imgconv -q -f "$format" -O raw image - | sha256sum)
	same "$old" "$new" "$format $*: another disk"
	only_files image
	rm image
}

for how in cluster_size=64k "cluster_size=64k -c" cluster_size=512 "cluster_size=4k -c"; do
	imgcreate -q -f qcow2 -o "${how% -c}" image 12M
	scattered qcow2 64 192
	# shellcheck disable=SC2086
	suffices qcow2 ${how#"${how% -c}"}
done
for format in qcow vmdk; do
	imgcreate -q -f $format image 12M
	scattered $format 64 192
	suffices $format
done
imgcreate -q -f vdi image 48M
scattered vdi 1024 48
suffices vdi
