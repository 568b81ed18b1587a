# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcheck --salvage without an L1 table: L2 tables get their places from the file systems in the
# disk, though it is sparse and was not written from front to back.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires qemu-io --version
requires sfdisk --version
requires mke2fs -V
requires jq --version

span=536870912			# bytes of an L2 table

# number FILE OFFSET BYTES: that field, in decimal.
number() {
	echo $((0x$(od -An -v -tx1 -j "$2" -N "$3" "$1" | tr -d ' \n')))
}

# starts: where each L2 table has the first data that it is for.
starts() {
	qemu-img map --output=json -f raw disk.raw |
		jq "[.[] | select(.data)] | unique_by(.start / $span | floor)[].start"
}

# image START...: disk.raw as x.qcow2, which gets its L2 tables in this order.
image() {
	local start

	qemu-img create -q -f qcow2 x.qcow2 16G
	for start; do
		qemu-io -f qcow2 -c "write -q -P 0 $((start / 65536 * 65536)) 64k" x.qcow2
	done
	qemu-img convert -n --target-is-zero -O qcow2 disk.raw x.qcow2
}

# in_disorder SEED: and its tables are in random order.
in_disorder() {
	# shellcheck disable=SC2046
	image $(starts | shuf --random-source=<(yes "$1"))
}

# all_of WHAT OPTION...: all comes back after the L1 table was zeroed.
all_of() {
	local what=$1 l1 n_l1

	shift
	l1=$(number x.qcow2 40 8)
	n_l1=$(number x.qcow2 36 4)
	dd if=/dev/zero of=x.qcow2 bs=8 count="$n_l1" seek=$((l1 / 8)) conv=notrunc status=none
	rm -f new.qcow2
	exits 5 imgcheck --salvage -q -o new.qcow2 "$@" x.qcow2
	imgcmp disk.raw new.qcow2 || fail "$what: some is elsewhere, or gone"
}

# ext START KIB OPTION...: a file system with copies of its superblock in all groups.
ext() {
	mke2fs -q -F -t ext4 -d files -O ^sparse_super,^resize_inode -E "offset=$1" "${@:3}" \
		disk.raw "$2"
}

mkdir files
head -c 3000000 /dev/urandom >files/one
head -c 300000 /dev/urandom >files/two

# Two file systems, and room without any between them and behind them; the backup of the GPT is alone.
truncate -s 16G disk.raw
printf 'label: gpt\nstart=1MiB size=4GiB\nstart=7GiB size=5GiB\n' | sfdisk -q disk.raw
ext 1048576 4194304
ext $((7 << 30)) 5242880 -b 1024
for seed in 1 2; do
	in_disorder "$seed"
	all_of "GPT, order $seed"
done

# Neighbours that are known do not help where tables are in disorder.
in_disorder 3
cp x.qcow2 whole.qcow2
all_of "GPT, order 3"

# The same without a size: the L1 table has to be made as long as the backup of the GPT is far away.
cp whole.qcow2 x.qcow2
dd if=/dev/zero of=x.qcow2 bs=512 count=1 conv=notrunc status=none
rm -f new.qcow2
exits 5 imgcheck --salvage -q -o new.qcow2 x.qcow2
imgcmp disk.raw new.qcow2 || fail "without a header: some is elsewhere, or gone"

# Superblocks in few groups, as is usual: the other tables belong where groups
# are in use.  Those came later here, as those of files do.
rm disk.raw
truncate -s 16G disk.raw
printf 'label: gpt\nstart=1MiB size=7GiB\nstart=9GiB size=5GiB\n' | sfdisk -q disk.raw
mke2fs -q -F -t ext4 -O ^metadata_csum,^uninit_bg -d files -E offset=1048576 disk.raw 7g
mke2fs -q -F -t ext4 -d files -E "offset=$((9 << 30))" disk.raw 5g
first=
later=
early=" 0 1 2 6 12 18 19 20 24 31 "
for start in $(starts); do
	[[ $early == *" $((start / span)) "* ]] && first="$start $first" || later="$later $start"
done
[ -n "$later" ] || fail "all tables have superblocks"
# shellcheck disable=SC2086
image $first $later
all_of "few superblocks"

# MBR, a partition that starts where no cluster does.
rm disk.raw
truncate -s 16G disk.raw
printf 'label: dos\nstart=2048 size=3GiB\nstart=14682175 size=5GiB type=83\n' |
	sfdisk -q disk.raw
ext $((14682175 * 512)) 4194304
in_disorder 4
all_of "MBR"

# XFS, on a disk without partitions.
mkfs.xfs -V >/dev/null 2>&1 || exit 0
rm disk.raw
truncate -s 16G disk.raw
mkfs.xfs -q -d agcount=32 disk.raw
in_disorder 5
all_of "XFS"
