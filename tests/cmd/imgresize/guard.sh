# SPDX-License-Identifier: LGPL-2.1-or-later
# What is not cut off: file systems that say how large they are, what nobody knows, partitions of all
# kinds; and what --force says of it.
. "$srcdir/tests/functions.sh"
requires jq --version
requires sfdisk --version
requires mkfs.ext4 -V
PATH=$PATH:/sbin:/usr/sbin

# kept WHY ARG...: disk.raw is as it was.
kept() {
	local why=$1
	shift

	cp --sparse=always disk.raw before.raw
	exits 1 imgresize disk.raw "$@" >out 2>err
	grep -q -- "$why" err || fail "$*: $(cat err)"
	cmp disk.raw before.raw || fail "refused, but something changed: $*"
}

# guarded TYPE BYTES: what was made in disk.raw, on 64 MiB, is seen and takes so much.
guarded() {
	truncate -s 80M disk.raw
	kept "($1) takes $2 bytes" --shrink $(($2 - 512))
	imgresize --shrink=to-last-partition --output=json disk.raw >out
	same "$1 $2 $2" "$(jq -r '"\(.content) \(."content-size") \(."new-size")"' out)" "$1"
	exits 0 imgresize --force --shrink disk.raw -1M 2>err
	grep -q "warning: the last 1048576 bytes of .*($1)" err || fail "$1: $(cat err)"
	rm disk.raw
}

# make FILE COMMAND...: 64 MiB for what is made in it; or no such command.
make_in() {
	rm -f disk.raw
	truncate -s 64M disk.raw
	command -v "$1" >/dev/null || return 1
	"$@" >/dev/null 2>&1
}

make_in mkfs.ext4 -q disk.raw 40M && guarded ext4 $((40 << 20))
make_in mkfs.ext2 -q -b 1024 disk.raw 20001 && guarded ext2 $((20001 * 1024))
truncate -s 64M disk.raw
! make_in mkswap disk.raw || guarded swap $((64 << 20))
! make_in mkfs.vfat disk.raw || guarded vfat $((64 << 20))
! make_in mkntfs -F -q disk.raw || guarded ntfs $((64 << 20))
! make_in mkfs.f2fs -q disk.raw || guarded f2fs $((64 << 20))
if command -v mkfs.btrfs >/dev/null; then
	truncate -s 128M disk.raw
	mkfs.btrfs -q disk.raw
	imgresize --dry-run --output=json disk.raw +1M >out
	same "btrfs $((128 << 20)) btrfs filesystem resize max MOUNTPOINT" \
		"$(jq -r '"\(.content) \(."content-size") \(."grow-content-with")"' out)" btrfs
fi
if command -v mkfs.xfs >/dev/null; then
	truncate -s 320M xfs.raw
	mkfs.xfs -q xfs.raw
	truncate -s 400M xfs.raw
	exits 1 imgresize --shrink xfs.raw 300M 2>err
	grep -q "(xfs) takes $((320 << 20)) bytes" err || fail "xfs: $(cat err)"
	rm xfs.raw
fi

# LUKS: with its key the disk inside is guarded; without it, as bytes, it does not tell.
printf secret >key
if command -v cryptsetup >/dev/null; then
	for type in luks1 luks2; do
		make_in cryptsetup luksFormat -q --type $type --pbkdf pbkdf2 \
			--pbkdf-force-iterations 1000 disk.raw key
		kept '(crypto_LUKS) does not tell' -f raw --shrink 63M
		exits 5 imgresize --shrink disk.raw 40M </dev/null 2>err
	done
fi
make_in mkfs.ext4 -q disk.raw 40M
for version in 1 2; do
	imgconv -O luks -o version=$version,iter-time=10,pbkdf=pbkdf2 --new-key-file=key disk.raw disk.luks
	exits 1 imgresize --key-file=key --shrink disk.luks 30M 2>err
	grep -q "(ext4) takes $((40 << 20)) bytes" err || fail "ext4 in LUKS: $(cat err)"
	for size in 80M 41M; do
		imgresize -q --key-file=key --shrink disk.luks $size
		imgconv -q --key-file=key -O raw disk.luks back.raw
		cmp -n $((41 << 20)) disk.raw back.raw
		same $(numfmt --from=iec $size) "$(stat -c %s back.raw)" "LUKS version $version"
		! command -v cryptsetup >/dev/null ||
			cryptsetup open --test-passphrase --key-file key disk.luks
	done
done

# What nobody knows goes when it is zeros.
rm -f disk.raw
truncate -s 8M disk.raw
printf x | dd of=disk.raw bs=1 seek=3M conv=notrunc status=none
imgresize -q --shrink disk.raw 4M
kept 'data are stored in [0-9]* bytes' --shrink 3M
imgresize --force --shrink disk.raw 3M 2>err >out
grep -q 'warning: data behind the new end' err || fail "no warning: $(cat err)"

# A table of a kind that nothing here understands.
rm -f disk.raw
truncate -s 8M disk.raw
printf 'label: sun\n,4M\n' | sfdisk -q disk.raw
kept '"sun"' --shrink 4M
imgresize disk.raw 9M 2>err >out
grep -q 'warning: .*(sun) is left' err || fail "no warning: $(cat err)"

# An MBR: the extended partition counts, and what deleted partitions left only warns, once something in
# a partition has shown how the numbers are meant.
rm -f disk.raw
truncate -s 16M disk.raw
printf 'label: dos\n1M,4M\n6M,5M,E\n7M,2M\n' | sfdisk -q disk.raw
printf x | dd of=disk.raw bs=1 seek=12M conv=notrunc status=none
kept "partition 2 ends at $((11 << 20)),.* size is $((11 << 20))" --shrink 10M
kept 'partition 5 lies behind it' --partition=1=max 20M
kept 'only holds others' --partition=2=max 20M
kept 'no partition 7' --partition=7=max 20M
kept 'nobody knows' --shrink=to-last-partition
mkfs.ext4 -q -E offset=$((1 << 20)) disk.raw 4M
imgresize --shrink=to-last-partition --output=json disk.raw >out 2>err
same "$((11 << 20)) data-cut" "$(jq -r '"\(."new-size") \(.warnings[].id)"' out)" "an MBR"
grep -q 'warning: data behind the new end' err || fail "no warning: $(cat err)"

# A file system that is larger than what it lies in.
make_in mkfs.ext4 -q disk.raw 40M
truncate -s 30M disk.raw
imgresize --output=json disk.raw 32M >out 2>err
same "file-system-too-large $((40 << 20))" "$(jq -r '.warnings[] | "\(.id) \(.bytes)"' out)" "cut"
