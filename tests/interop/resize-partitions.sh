# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks with partitions, in every format whose images can have another size: the tables are sound
# for sgdisk, sfdisk and fdisk, the file system for e2fsck, and all that is kept is as it was.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version
requires sgdisk --version
requires fdisk --version
requires mke2fs -V
PATH=$PATH:/sbin:/usr/sbin

# starts SECTOR FILE: of all partitions.
starts() {
	fdisk -b "$1" -l -o Start "$2" | sed -n '/^ *Start/,$p'
}

# make SECTOR COMMANDS: disk.raw, with partitions made by fdisk and ext4 from 1 MiB to 9 MiB.
make() {
	rm -f disk.raw
	truncate -s 24M disk.raw
	printf '%b' "$2w\\n" | fdisk -b "$1" disk.raw >fdisk.txt 2>&1
	mkdir -p files
	cp noise files/noise
	mke2fs -q -t ext4 -d files -E offset=$mib disk.raw 8M
	place disk.raw $((9 * mib + 8192)) noise $mib
	[ "$(starts "$1" disk.raw | wc -l)" -ge 3 ] || fail "no partitions were made: $(cat fdisk.txt)"
}

# sound SECTOR: all judges of after.raw.
sound() {
	same "$(starts "$1" disk.raw)" "$(starts "$1" after.raw)" "$what: the partitions"
	printf 'v\nq\n' | fdisk -b "$1" after.raw >verdict 2>&1
	grep -q 'No errors detected' verdict || fail "$what: fdisk: $(cat verdict)"
	[ "$1" = 4096 ] || sfdisk --verify after.raw >verdict 2>&1 ||
		fail "$what: sfdisk: $(cat verdict)"
	if [ "$1 $kind" = "512 gpt" ]; then
		sgdisk -v after.raw >verdict
		grep -q '^No problems found' verdict || fail "$what: sgdisk: $(cat verdict)"
	fi
	e2fsck -fn "after.raw?offset=$mib" >verdict 2>&1 || fail "$what: $(cat verdict)"
}

# zero_from AT END: of after.raw.
zero_from() {
	cmp -s <(tail -c +$(($1 + 1)) after.raw | head -c $(($2 - $1))) \
		<(head -c $(($2 - $1)) /dev/zero) || fail "$what: data where zeros should be"
}

# resized SECTOR BYTES ARG...: image.FORMAT, and what is read from it.
resized() {
	local sector=$1 size=$2
	shift 2

	what="$format, $kind, $sector: $*"
	imgresize -q "${key[@]}" -f "$format" image.$format "$@"
	imgconv -q "${key[@]}" -f "$format" -O raw image.$format after.raw
	same "$size" "$(stat -c %s after.raw)" "$what: the size"
	case $format in
	raw | vmdk | vdi | qcow | qcow2)
		same "$size" "$(qemu-img info --output=json -f "$format" image.$format |
			jq '."virtual-size"')" "$what: the size that qemu-img sees"
		qemu-img compare -q -f "$format" -F raw image.$format after.raw ||
			fail "$what: qemu-img reads other content"
		;;
	esac
	case $format in
	vdi | qcow2) qemu-img check -q -f "$format" image.$format || fail "$what: qemu-img check" ;;
	esac
	[ "$format" = raw ] || imgcheck -q -f "$format" image.$format ||
		fail "$what: imgcheck"
	cmp -n $((9 * mib)) -i $mib disk.raw after.raw || fail "$what: other content"
	sound "$sector"
}

# all_steps SECTOR LAST NEED: larger, with the last partition; then as small as it can be.
all_steps() {
	local sector=$1 last=$2 need=$3

	imgconv -q -O "$format" "${new[@]}" disk.raw image.$format
	resized "$sector" $((40 * mib)) 40M
	zero_from $((24 * mib)) $((39 * mib))
	resized "$sector" $((48 * mib)) --partition="$last=max" +8M
	rm image.$format
	imgconv -q -O "$format" "${new[@]}" disk.raw image.$format
	exits 1 imgresize "${key[@]}" -f "$format" --shrink image.$format $((need - sector)) 2>err
	grep -q "smallest safe size is $need\$" err || fail "$format, $kind: $(cat err)"
	imgresize -q --dry-run "${key[@]}" -f "$format" --shrink=to-last-partition \
		image.$format
	imgconv -q "${key[@]}" -f "$format" -O raw image.$format after.raw
	cmp disk.raw after.raw || fail "$format: a dry run changed something"
	resized "$sector" "$need" --shrink=to-last-partition
	resized "$sector" $((need + mib)) +1M
	zero_from "$need" $((need + mib / 2))
	rm image.$format
}

printf secret >key
key=() new=()
formats=$(imginfo --formats --output=json |
	jq -r '.formats[] | select(.resize) | .name')
[ -n "$formats" ] || fail "no format can be resized"
kind=gpt
make 512 'g\nn\n1\n\n+8M\nn\n2\n\n+4M\n'
for format in $formats; do
	[ "$format" != luks ] || key=(--key-file=key) new=(--new-key-file=key -o iter-time=10)
	all_steps 512 2 $((13 * mib + 33 * 512))
	key=() new=()
done
format=raw
make 4096 'g\nn\n1\n\n+8M\nn\n2\n\n+4M\n'
all_steps 4096 2 $((13 * mib + 5 * 4096))
kind=dos
make 512 'o\nn\np\n1\n\n+8M\nn\ne\n2\n\n+12M\nn\nl\n\n+2M\nn\nl\n\n+4M\n'
all_steps 512 6 $((21 * mib))
make 4096 'o\nn\np\n1\n\n+8M\nn\np\n2\n\n+4M\n'
all_steps 4096 2 $((13 * mib))
