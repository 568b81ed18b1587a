# SPDX-License-Identifier: LGPL-2.1-or-later
# GUID partition tables of which something is damaged, and those that are in the wrong place.
. "$srcdir/tests/functions.sh"
requires jq --version
requires sfdisk --version
requires sgdisk --version
PATH=$PATH:/sbin:/usr/sbin

mib=$((1 << 20))

fresh() {
	rm -f disk.raw
	truncate -s 16M disk.raw
	printf 'label: gpt\nsize=4M,name="one"\nsize=4M\n' | sfdisk -q disk.raw
}

# put AT: a wrong byte; from the end when negative.
put() {
	printf '\377' | dd of=disk.raw bs=1 seek=$(($1 < 0 ? $(stat -c %s disk.raw) + $1 : $1)) \
		conv=notrunc status=none
}

# whole SIZE: the table is, on a disk of that size.
whole() {
	same "$1" "$(stat -c %s disk.raw)" "the size"
	sgdisk -v disk.raw >verdict
	grep -q '^No problems found' verdict || fail "sgdisk: $(cat verdict)"
	sfdisk --verify disk.raw >verdict
	same 2 "$(sfdisk -J disk.raw | jq '.partitiontable.partitions | length')" "partitions"
	same one "$(sfdisk -J disk.raw | jq -r '.partitiontable.partitions[0].name')" "the name"
}

# warns ID ARG...
warns() {
	local want=$1
	shift

	imgresize --output=json disk.raw "$@" >out 2>err
	same "$want" "$(jq -r '[.warnings[].id] | join(" ")' out)" "$*"
}

# headers: places of all headers in the file, in sectors.
headers() {
	grep -abo 'EFI PART' disk.raw | while IFS=: read -r at _; do echo $((at / 512)); done |
		paste -sd ' '
}

# Signature, header and entries of the first copy, then of the second; both ways.
for case in 512:24 600:12 1030:16 -512:12 -440:16 -16800:24; do
	at=${case%:*} size=$((${case#*:} * mib))
	fresh
	put "$at"
	want=gpt-primary-damaged
	[ "$at" -gt 0 ] || want=gpt-backup-damaged
	warns $want --shrink $size
	whole $size
	same "1 $((size / 512 - 1))" "$(headers)" "headers, $case"
done

# Both.
fresh
put 600
put -440
cp disk.raw before.raw
for size in 24M 12M; do
	exits 1 imgresize --shrink disk.raw $size 2>err
	grep -q 'no copy can be used' err || fail "both damaged: $(cat err)"
	cmp disk.raw before.raw || fail "refused, but something changed"
done
warns table-left --force 24M
cmp -n $((16 * mib)) disk.raw before.raw || fail "the table was changed"

# No protective MBR: sgdisk takes it for damaged as well.
fresh
dd if=/dev/zero of=disk.raw bs=512 count=1 conv=notrunc status=none
exits 1 imgresize disk.raw 24M 2>err

# A disk that something else made larger, or cut behind its partitions.
fresh
truncate -s 20M disk.raw
warns "" +0
whole $((20 * mib))
same "1 40959" "$(headers)" "the old header"
truncate -s 12M disk.raw
warns gpt-backup-damaged +0
whole $((12 * mib))
truncate -s 6M disk.raw
cp disk.raw before.raw
exits 1 imgresize disk.raw 8M 2>err
grep -q "partition 2 ends at $((9 * mib))" err || fail "a cut partition: $(cat err)"
warns gpt-backup-damaged 10M
whole $((10 * mib))

# The MBR: its boot code and flag stay, a hybrid one as a whole.
fresh
printf 'boot' | dd of=disk.raw bs=1 conv=notrunc status=none
printf '\200' | dd of=disk.raw bs=1 seek=446 conv=notrunc status=none
warns "" --partition=2=max 24M
whole $((24 * mib))
same "boot" "$(head -c 4 disk.raw)" "boot code"
same "128 49151" "$(od -An -tu1 -j 446 -N 1 disk.raw | tr -d ' ') $(od -An -tu4 -j 458 -N 4 disk.raw |
	tr -d ' ')" "the protective MBR"
sgdisk -h 1 disk.raw >/dev/null
dd if=disk.raw of=mbr bs=512 count=1 status=none
warns "" --partition=2=max 32M
cmp -n 512 mbr disk.raw || fail "the hybrid MBR was changed"
same "1 65535" "$(headers)" "headers of the hybrid"

# Entries elsewhere, and more of them.
fresh
sgdisk -j 40 disk.raw >/dev/null
warns "" 24M
whole $((24 * mib))
same 40 "$(od -An -tu8 -j $((512 + 72)) -N 8 disk.raw | tr -d ' ')" "the first entries"
rm disk.raw
truncate -s 16M disk.raw
printf 'label: gpt\ntable-length: 256\nsize=4M,name="one"\nsize=4M\n' | sfdisk -q disk.raw
warns "" --shrink=to-last-partition
whole $(((18432 + 65) * 512))
