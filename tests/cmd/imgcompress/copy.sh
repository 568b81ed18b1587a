# SPDX-License-Identifier: LGPL-2.1-or-later
# Into a new image: the formats that compress, with each codec; which one it is if nobody says so; and
# what is refused.
. "$srcdir/tests/functions.sh"
requires qemu-img --version

# A disk that can be compressed in part: text, noise, zeros, text again.
{ seq 60000; dd if=/dev/urandom bs=64k count=4 status=none; } >disk.raw
truncate -s 2M disk.raw
seq 90000 | dd of=disk.raw bs=64k seek=40 conv=notrunc status=none
truncate -s 4000256 disk.raw

format_of() {
	imginfo --output=json "$1" | sed -nE 's/^ *"format": ?"(.*)",?$/\1/p' | head -1
}

# compressed NEW ARG...: it is smaller, and holds the same disk.
compressed() {
	local new=$1
	shift

	imgcompress "$@" disk.raw "$new"
	imgcmp -q disk.raw "$new" || fail "another disk: $new $*"
	[ "$(stat -c %s "$new")" -lt 1200000 ] || fail "$new is not small: $*"
}

for codec in deflate zstd; do
	compressed $codec.qcow2 --codec=$codec
	qemu-img check -q $codec.qcow2
	qemu-img compare -q disk.raw $codec.qcow2 || fail "qemu-img sees another disk: $codec"
done
compressed stream.vmdk
qemu-img compare -q disk.raw stream.vmdk || fail "qemu-img sees another disk: vmdk"
for codec in deflate xz lz4 lzo; do
	compressed $codec.cloop --codec=$codec
done
compressed old.qcow -O qcow

# The level makes a difference.
compressed least.qcow2 --level=fastest
compressed most.qcow2 --level=best
compressed 12.qcow2 --level=12
cmp most.qcow2 12.qcow2
qemu-img compare -q disk.raw least.qcow2 || fail "qemu-img sees another disk: fastest"
compressed least.vmdk --level=fastest
qemu-img compare -q disk.raw least.vmdk || fail "qemu-img sees another disk: fastest vmdk"
compressed least.cloop --level=0
qemu-img compare -q -f raw -F cloop disk.raw least.cloop || fail "qemu-img sees another disk: fastest cloop"
[ "$(stat -c %s least.qcow2)" -gt "$(stat -c %s most.qcow2)" ] || fail "--level does nothing"

# Which format.
compressed disk.img
same qcow2 "$(format_of disk.img)" "of a raw disk"
imgcompress stream.vmdk other.img
same vmdk "$(format_of other.img)" "of an image that is compressed already"
imgconv disk.raw disk.vdi
imgcompress disk.vdi other.img
same qcow2 "$(format_of other.img)" "of a format that does not compress"
imgcompress stream.vmdk other.qcow2
same qcow2 "$(format_of other.qcow2)" "by its name"
imgcompress -O cloop stream.vmdk - >other.cloop
same cloop "$(format_of other.cloop)" "to a pipe"

# says STATUS TEXT ARG...: refused with that sentence, and nothing is left.
says() {
	local status=$1 text=$2
	shift 2

	exits "$status" imgcompress "$@" 2>err
	grep -qF -- "$text" err || fail "$*: $(cat err)"
	[ ! -e no ] || fail "left behind: $*"
}

says 63 "vdi images cannot hold compressed data" -O vdi disk.raw no
says 1 'there is no image format "nonsense"' -O nonsense disk.raw no
says 1 "vmdk images are compressed with deflate alone" -O vmdk --codec=zstd disk.raw no
says 1 "compression_type is one of zlib|deflate|zstd" -O qcow2 --codec=xz disk.raw no
says 1 "qcow images have no levels of compression" -O qcow --level=3 disk.raw no
says 1 "compression_level must be 1 to 22 here, fastest or best" -O qcow2 --codec=zstd --level=23 disk.raw no
says 1 "compression_type is given twice" --codec=zstd -o compression_type=zlib disk.raw no
says 1 "source and target are the same file" disk.raw ./disk.raw
