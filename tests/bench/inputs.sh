#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# inputs.sh FOLDER: makes the disks that bench.py measures with, those that are not there yet.
# FILL: bytes of this machine's own files in disk.raw (default 1 GiB).  HEAVY: sizes of the images that
# are all metadata (default "1T 64G").
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$1"
cd "$1"
mib=$((1024 * 1024))
fill=${FILL:-$((1024 * mib))}
read -r heavy64k heavy4k <<<"${HEAVY:-1T 64G}"

# made FILE COMMAND...: runs the command with a temporary name, unless FILE is there already.
made() {
	[ -e "$1" ] || {
		echo "making $1" >&2
		rm -rf "$1.part"
		"${@:2}" "$1.part"
		mv "$1.part" "$1"
	}
}

# A GPT disk of 8 GiB: one ext4 file system filled from this machine, holes elsewhere.
ext4_disk() {
	local left=$fill size path

	rm -rf tree
	mkdir tree
	find /usr -xdev -type f -readable -size -64M -printf '%s %p\n' | LC_ALL=C sort -k 2 |
		while read -r size path; do
			left=$((left - size))
			[ $left -gt 0 ] || continue
			printf '%s\0' "$path"
		done | tar -C / --null -T - --transform 's,^/*,,' -cf - 2>/dev/null | tar -C tree -xf -
	truncate -s 8G "$1"
	printf 'label: gpt\nstart=1MiB, type=linux\n' | sfdisk -q "$1"
	mke2fs -q -F -t ext4 -d tree -E offset=$mib "$1" 8189M
	rm -rf tree
}

# noise BYTES: incompressible, the same each time.
noise() {
	head -c "$1" /dev/zero | openssl enc -aes-128-ctr -nosalt -pass pass:bench -md sha256 2>/dev/null
}

dense_disk() {
	noise $((1024 * mib)) >"$1"
}

zero_disk() {
	head -c 1G /dev/zero >"$1"
}

# Runs of 4 to 256 KiB between holes of 4 KiB to 1 MiB: many extents, written in no order.
fragmented_disk() {
	python3 - "$1" <<-'END'
		import os, random, sys
		r, size, runs, at = random.Random(1), 2 << 30, [], 0
		while at < size:
		    run = 4096 * int(2 ** r.uniform(0, 6))
		    runs.append((at, min(run, size - at)))
		    at += run + 4096 * int(2 ** r.uniform(0, 8))
		r.shuffle(runs)
		content = r.randbytes(256 << 10)
		with open(sys.argv[1], "wb") as f:
		    f.truncate(size)
		    for at, run in runs:
		        f.seek(at)
		        f.write(content[:run])
	END
}

# sparse_disk SIZE FILE: 1 MiB of data in 64 places.
sparse_disk() {
	local i bytes

	bytes=$(numfmt --from=iec "$1")
	truncate -s "$1" "$2"
	for ((i = 0; i < 64; i++)); do
		noise $mib | dd of="$2" bs=1M iflag=fullblock oflag=seek_bytes \
			seek=$((bytes / 64 * i / mib * mib)) conv=notrunc status=none
	done
}

heavy() {
	python3 "$here/heavy.py" "$(numfmt --from=iec "$1")" "$2" "$3"
}

# luks SOURCE FILE.  Some versions of qemu-img fail now and then to find out how fast they are.
luks() {
	local try

	for try in {1..60}; do
		! qemu-img convert --object secret,id=key,file=key -f raw -O qcow2 \
			-o encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10 "$1" "$2" ||
			return 0
	done
	return 1
}

made disk.raw ext4_disk
made dense.raw dense_disk
made zero.raw zero_disk
made frag.raw fragmented_disk
made sparse100G.raw sparse_disk 100G
made sparse10T.raw sparse_disk 10T
made plain.qcow2 qemu-img convert -f raw -O qcow2 disk.raw
made zlib.qcow2 qemu-img convert -m 16 -W -c -f raw -O qcow2 disk.raw
made zstd.qcow2 qemu-img convert -m 16 -W -c -f raw -O qcow2 -o compression_type=zstd disk.raw
made sparse.vmdk qemu-img convert -f raw -O vmdk disk.raw
made dynamic.vdi qemu-img convert -f raw -O vdi disk.raw
! command -v create_compressed_fs >/dev/null ||
	made packed.cloop create_compressed_fs -q -L6 -B 65536 disk.raw
made stream.vmdk qemu-img convert -f raw -O vmdk -o subformat=streamOptimized disk.raw
made small.qcow2 qemu-img create -q -f qcow2 -o size=64M
printf bench >key
made luks.qcow2 luks disk.raw
made heavy64k.qcow2 heavy "$heavy64k" 16
made heavy4k.qcow2 heavy "$heavy4k" 12
