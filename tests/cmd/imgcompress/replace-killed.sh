# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcompress IMAGE killed on the way: the image is as it was, and the next run removes what is left of the
# copy; what a living process, another host or somebody else has is not touched.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires qemu-io --version
requires strace -V

seq 200000 >disk.raw
truncate -s 3M disk.raw
program=$(type -P imgcompress)

# killed CALLS WHEN: the run ends there, and nothing but a copy is new.
killed() {
	sha256sum image >was
	! strace -f -qq -o trace.txt -e trace="$1" -e "inject=$1:signal=KILL:when=$2" \
		"$program" -q image 2>/dev/null || fail "$1: was not killed"
	sha256sum -c --quiet was
	[ -n "$(ls image.imgcompress-*)" ] || fail "$1: nothing is left: the test itself"
}

# goes_on: the image gets smaller, and all that was left is gone.
goes_on() {
	local before

	before=$(stat -c %s image)
	imgcompress image 2>err
	grep -q "image.imgcompress-.*: removed" err || fail "$(cat err)"
	[ "$(stat -c %s image)" -lt "$before" ] || fail "it is not smaller"
	[ -z "$(ls image.imgcompress-* 2>/dev/null)" ] || fail "left behind: $(ls)"
	qemu-img check -q image
	qemu-img compare -q disk.raw image
}

imgconv disk.raw -O qcow2 image
killed rename 1
goes_on

# With snapshots the copy is compressed in place, through a journal of its own.
imgconv -q disk.raw -O qcow2 image
qemu-img snapshot -c first image
killed rename 1
goes_on
imgconv -q disk.raw -O qcow2 image
qemu-img snapshot -c first image
killed unlinkat 1
ls image.imgcompress-*.journal >/dev/null
goes_on

# Not ours, or not dead.
host=$(uname -n)
touch "image.imgcompress-$host-$$.part" "image.imgcompress-$host.part" "image.imgcompress-other$host-1.part" \
	"image.imgcompress-$host-99999999.part.gz" image.99999999.part "image.imgcompress-$host-.part"
imgconv -q disk.raw -O qcow2 image
imgcompress -q image
same 5 "$(find . -name 'image.imgcompress-*' | wc -l)" "what others have"
[ -e image.99999999.part ] || fail "what has another name"
