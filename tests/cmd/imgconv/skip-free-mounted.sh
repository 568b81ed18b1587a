# SPDX-License-Identifier: LGPL-2.1-or-later
# imgconv --skip-free on file systems that only the kernel fills: what it leaves out was free, for
# the checkers of the file systems and for each file in them.
. "$srcdir/tests/functions.sh"
requires jq --version
requires python3 --version
PATH=$PATH:/sbin:/usr/sbin
mkdir fs
truncate -s 4M probe.raw
mke2fs -q probe.raw
mount -o loop probe.raw fs 2>/dev/null || skip "no file system can be mounted here"
umount fs
cleanup_fn sh -c 'umount fs 2>/dev/null || true'

# noise FILE BYTES
noise() {
	openssl enc -aes-128-ctr -nosalt -pass "pass:$1" -md sha256 </dev/zero 2>/dev/null |
		head -c "$2" >"fs/$1" || true
}

# fill: files that stay, of all sizes, and such that go again.
fill() {
	mkdir fs/many
	for i in {1..40}; do
		noise many/$i $((i * i * 200))
		noise gone$i $((i * 9000))
	done
	noise kept 3000000
	noise gone 14000000
	sync fs
	rm fs/gone* fs/many/*7
	ln fs/kept fs/twice
}

hashes() {
	(cd fs && find . -type f ! -path './lost+found/*' -print0 | sort -z | xargs -0 sha256sum)
}

mounted() {
	mount -o "loop,$1" "$2" fs 2>err || {
		cat err >&2
		return 1
	}
}

# unused: bytes in the report; said: what is said of the file system.
unused() {
	jq '.["file-systems"][0].unused' report
}
said() {
	jq -r '.["file-systems"][0] | "\(.type) \(.reason // "judged")"' report
}

# judge TYPE FREE: disk.raw, of which TYPE's own tools say that FREE bytes are free, without them.
judge() {
	exits 0 imgconv --skip-free --output=json disk.raw out.raw >report
	same "$1 judged" "$(said)" "$1"
	same "$2" "$(unused)" "what is free in $1"
	[ $(($(stat -c %b out.raw) * 512)) -lt 12000000 ] || fail "$1: what is free was copied"
	exits 0 mounted "$how" out.raw
	hashes >after
	umount fs
	same "$(cat before)" "$(cat after)" "files of $1"
}

# refused TYPE WHY: nothing of it is left out; by force it is.
refused() {
	exits 0 imgconv --skip-free --output=json disk.raw out.raw >report 2>err
	same "$1 $2" "$(said)" "what is said of $1"
	exits 0 cmp disk.raw out.raw
}
forced() {
	refused "$@"
	exits 0 imgmap --free=force disk.raw >map
	grep -q free map || fail "$1: force has no effect"
}

# garbled NAME FIRST END: copies of disk.raw with wrong bytes there: each is an answer, and no crash.
garbled() {
	python3 - "$@" <<'PY'
import random, subprocess, sys
name, first, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
r = random.Random(name)
for i in range(10):
    subprocess.run(["cp", "--sparse=always", "disk.raw", f"bad-{i}.raw"], check=True)
    with open(f"bad-{i}.raw", "r+b") as f:
        for _ in range(r.choice((1, 3, 20))):
            f.seek(r.randrange(first, end))
            f.write(bytes([r.randrange(256)]))
PY
	for image in bad-*.raw; do
		! left_out || continue
		exits 0 imgmap --free=force "$image" >/dev/null 2>err
	done
	rm bad-*.raw
}

# ---- XFS ---------------------------------------------------------------------------------------
# Blocks that are set aside for its trees are no part of it.
free_of_xfs() {
	local groups i

	groups=$(xfs_db -r -c 'sb 0' -c 'p agcount' disk.raw | sed 's/.*= //')
	{
		xfs_db -r -c 'sb 0' -c 'p blocksize' disk.raw
		for ((i = 0; i < groups; i++)); do
			xfs_db -r -c "agf $i" -c 'p freeblks' disk.raw
		done
	} | awk '/blocksize/ { b = $3 } /freeblks/ { n += $3 } END { printf "%d", n * b }'
}

how=ro,norecovery
if mkfs.xfs -V >/dev/null 2>&1; then
	while read -r options; do
		rm -f disk.raw
		truncate -s 320M disk.raw
		mkfs.xfs -q $options disk.raw >/dev/null 2>&1 || continue
		mounted rw disk.raw || continue
		fill
		hashes >before
		umount fs
		judge xfs "$(free_of_xfs)"
		exits 0 xfs_repair -n out.raw >/dev/null 2>&1
	done <<-END
		-m crc=1,rmapbt=1,reflink=1
		-b size=1024 -d agcount=16 -l size=64m,su=64k
		-s size=4096 -d agcount=3
	END
	garbled xfs-super 0 2048
	garbled xfs-trees 2048 300000
	# Version 4, which kernels do not mount any more: its maker fills it.
	head -c 3000000 out.raw >file
	printf 'x\n0 0\nd--755 0 0\nfile ---644 0 0 %s/file\n$\n' "$PWD" >proto
	rm disk.raw
	truncate -s 320M disk.raw
	if mkfs.xfs -q -m crc=0 -b size=1024 -p proto disk.raw >/dev/null 2>&1; then
		exits 0 imgconv --skip-free --output=json disk.raw out.raw >report
		same "$(free_of_xfs)" "$(unused)" "what is free in version 4"
		exits 0 xfs_repair -n out.raw >/dev/null 2>&1
		garbled xfs-old 0 300000
	fi
	# Never used: the log has nothing but what mkfs writes.
	truncate -s 0 disk.raw
	truncate -s 320M disk.raw
	mkfs.xfs -q disk.raw >/dev/null
	exits 0 imgconv --skip-free --output=json disk.raw out.raw >report
	same "$(free_of_xfs)" "$(unused)" "what is free in an empty one"
	# In use, once something was written to its log; and left so.
	mounted rw disk.raw
	noise file 100000
	sync fs/file
	cp --sparse=always disk.raw busy.raw
	umount fs
	mv busy.raw disk.raw
	forced xfs "its journal has to be replayed"
	xfs_repair -L disk.raw >/dev/null 2>&1
	exits 0 imgconv --skip-free --output=json disk.raw out.raw >report
	same "$(free_of_xfs)" "$(unused)" "after a repair"
fi

# ---- btrfs -------------------------------------------------------------------------------------
# Without an independent count: all that is free and more than its own tools call used is left.
if command -v mkfs.btrfs >/dev/null; then
	how=ro
	while read -r options; do
		rm -f disk.raw
		truncate -s 400M disk.raw
		mkfs.btrfs -q -f $options disk.raw >/dev/null 2>&1 || continue
		mounted rw disk.raw || continue
		fill
		btrfs subvolume snapshot -r fs fs/snapshot >/dev/null
		rm fs/many/1*
		sync fs
		hashes >before
		umount fs
		used=$(btrfs inspect-internal dump-super disk.raw | sed -n 's/^bytes_used[[:space:]]*//p')
		exits 0 imgconv --skip-free --output=json disk.raw out.raw >report
		judge btrfs "$(unused)"
		exits 0 btrfs check --check-data-csum out.raw >/dev/null 2>&1
		# What is there twice is whole twice.
		exits 0 mounted ro out.raw
		btrfs scrub start -B -r fs >scrub 2>&1 && grep -q 'no errors found' scrub ||
			fail "btrfs $options: $(cat scrub)"
		umount fs
		same "$(btrfs inspect-internal dump-super -s 1 disk.raw | tail -n +2)" \
			"$(btrfs inspect-internal dump-super -s 1 out.raw | tail -n +2)" "the second superblock"
		# Metadata may be there twice; superblocks and the start of the device are no part of it.
		kept=$(((400 << 20) - $(unused)))
		((kept >= used && kept < 2 * used + (3 << 20))) ||
			fail "btrfs $options: $kept bytes are kept, and $used used"
	done <<-END
		-R ^free-space-tree
		-m single -n 4096 -d single --mixed
		-m dup -n 64k
	END
	garbled btrfs-super 65536 70000
	garbled btrfs-trees 1048576 8388608
	mounted rw disk.raw
	noise file 100000
	sync fs/file
	cp --sparse=always disk.raw busy.raw
	umount fs
	mv busy.raw disk.raw
	forced btrfs "its journal has to be replayed"
	truncate -s 200M two.raw disk.raw
	mkfs.btrfs -q -f -d single -m raid1 disk.raw two.raw >/dev/null 2>&1
	refused btrfs "it lies on several devices"
fi

# ---- NTFS --------------------------------------------------------------------------------------
free_of_ntfs() {
	local cluster

	cluster=$(ntfsinfo -fm disk.raw | sed -n 's/.*Cluster Size: *//p')
	echo $((cluster * $(ntfsinfo -fm disk.raw | sed -n 's/.*Free Clusters: *\([0-9]*\).*/\1/p')))
}

if command -v mkntfs >/dev/null; then
	for options in "" "-c 512" "-c 65536" "-s 4096"; do
		rm -f disk.raw
		truncate -s 100M disk.raw
		mkntfs -q -F -p 0 -H 1 -S 1 $options disk.raw >/dev/null 2>&1
		for i in {1..30}; do
			openssl enc -aes-128-ctr -nosalt -pass "pass:$i" -md sha256 </dev/zero \
				2>/dev/null | head -c $((i * i * 900)) >file || true
			ntfscp -q disk.raw file "file$i"
		done
		exits 0 imgconv --skip-free --output=json disk.raw out.raw >report
		same "ntfs judged" "$(said)" "NTFS $options"
		same "$(free_of_ntfs)" "$(unused)" "what is free in NTFS $options"
		for i in {1..30}; do
			exits 0 cmp <(ntfscat disk.raw "file$i") <(ntfscat out.raw "file$i")
		done
		exits 0 ntfsfix -n out.raw >/dev/null
	done
	garbled ntfs-boot 0 512
	at=$(($(ntfsinfo -fm disk.raw | sed -n 's/.*LCN of Data Attribute for FILE_MFT: *//p') * 4096))
	garbled ntfs-table $at $((at + 8192))
	ntfsfix disk.raw >/dev/null	# leaves it marked for a check
	forced ntfs "it was not unmounted"
fi
