# SPDX-License-Identifier: LGPL-2.1-or-later
# What scripts about packing in place share: the disk, and an image of it that has to be put in order.

# Text that shrinks, noise that does not, and holes.
head -c 256K /dev/urandom >random
truncate -s 4M disk.raw
place disk.raw 65536 text $mib
place disk.raw $((2 * mib)) random $((256 * 1024))
place disk.raw $((3 * mib)) text $((512 * 1024))
split -b 256K -d -a 2 disk.raw part.

# filled FORMAT COMMAND...: the image made with that, and written in another order than that of the disk.
filled() {
	local format=$1 i commands=()

	shift
	rm -f image
	"$@"
	for i in {15..0}; do
		commands+=(-c "write -s part.$(printf %02d "$i") $((i * 256))k 256k")
	done
	qemu-io -f "$format" "${commands[@]}" image >/dev/null
}

# says STATUS TEXT ARG...: refused with that sentence, and nothing is changed.
says() {
	local status=$1 text=$2 before
	shift 2

	before=$(sha256sum <image)
	exits "$status" imgcompress "$@" image 2>err
	grep -q "$text" err || fail "$*: $(cat err)"
	same "$before" "$(sha256sum <image)" "$*: refused"
}
