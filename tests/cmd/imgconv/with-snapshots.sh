# SPDX-License-Identifier: LGPL-2.1-or-later
# A qcow2 image goes over with all of its snapshots, and what they share is shared in the copy.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires qemu-io --version

# hash IMAGE OPTION...: of what qemu-img reads.
hash() {
	rm -f content
	qemu-img convert -O raw "$@" content
	sha256sum <content
}

# bytes FILE: the room it takes.
bytes() {
	echo $(($(stat -c '%b * %B' "$1")))
}

same_image() {
	local name

	qemu-img check -q copy.qcow2 || fail "$1: $(qemu-img check copy.qcow2)"
	same "$(qemu-img info --output=json image.qcow2 | grep -v '"actual-size"\|"filename"')" \
		"$(qemu-img info --output=json copy.qcow2 | grep -v '"actual-size"\|"filename"')" "$1: info"
	same "$(hash image.qcow2)" "$(hash copy.qcow2)" "$1: the disk"
	for name in $(qemu-img snapshot -l image.qcow2 | awk '$1 ~ /^[0-9]+$/ { print $1 }'); do
		same "$(hash -l "snapshot.id=$name" image.qcow2)" \
			"$(hash -l "snapshot.id=$name" copy.qcow2)" "$1: snapshot $name"
	done
	[ "$(bytes copy.qcow2)" -le $(($(bytes image.qcow2) + 65536)) ] || fail "$1: something is doubled"
}

for options in compat=1.1 compat=0.10,cluster_size=4k extended_l2=on,refcount_bits=64; do
	rm -f image.qcow2 copy.qcow2
	qemu-img create -q -f qcow2 -o $options image.qcow2 8M
	qemu-io -c 'write -P 1 0 2M' image.qcow2 >/dev/null
	qemu-img snapshot -c first image.qcow2
	qemu-io -c 'write -P 2 1M 300k' -c 'write -z 512k 64k' -c 'write -c -P 3 4M 256k' image.qcow2 >/dev/null
	qemu-img snapshot -c second image.qcow2
	qemu-img snapshot -c gone image.qcow2
	[ $options != compat=1.1 ] || qemu-img resize -q image.qcow2 10M
	qemu-io -c 'write -P 4 6M 1M' image.qcow2 >/dev/null
	qemu-img snapshot -c third image.qcow2
	qemu-img snapshot -d gone image.qcow2
	imgconv --with-snapshots image.qcow2 copy.qcow2
	same_image $options
	rm copy.qcow2
	imgconv --with-snapshots -O qcow2 image.qcow2 - | cat >copy.qcow2
	qemu-img check -q copy.qcow2
	same "$(hash -l first image.qcow2)" "$(hash -l first copy.qcow2)" "$options: a pipe"
done

# What nothing needs any more stays behind.
before=$(bytes copy.qcow2)
qemu-img snapshot -a first image.qcow2
qemu-img snapshot -d third image.qcow2
rm copy.qcow2
imgconv --with-snapshots image.qcow2 copy.qcow2
[ "$(bytes copy.qcow2)" -le $((before - (1 << 20))) ] || fail "free clusters are copied"

refused() {
	local status=$1

	shift
	exits "$status" imgconv --with-snapshots "$@" 2>message
	[ ! -e refused.qcow2 ] && [ ! -e refused.raw ] || fail "a target is left: $*"
}

refused 1 -c image.qcow2 refused.qcow2
refused 1 -o cluster_size=4k image.qcow2 refused.qcow2
refused 1 image.qcow2 refused.raw
truncate -s 1M disk.raw
refused 63 disk.raw refused.qcow2
qemu-img create -q -f qcow2 -b image.qcow2 -F qcow2 top.qcow2
imgconv --with-snapshots top.qcow2 copy-of-top.qcow2
imgcmp -q top.qcow2 copy-of-top.qcow2 || fail "the copy beside it shows something else"
mkdir elsewhere
refused 63 top.qcow2 elsewhere/refused.qcow2
[ ! -e elsewhere/refused.qcow2 ] || fail "a target is left elsewhere"
# Where an entry makes no sense nobody knows what else is needed.
printf '\377' | dd of=image.qcow2 bs=1 seek=$((3 << 20)) conv=notrunc status=none
l1=$(($(od -An -j40 -N8 -tx1 image.qcow2 | tr -d ' ' | sed 's/^/0x/')))
printf '\377' | dd of=image.qcow2 bs=1 seek=$((l1 + 7)) conv=notrunc status=none
refused 1 image.qcow2 refused.qcow2
