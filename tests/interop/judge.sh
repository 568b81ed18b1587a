# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts of this folder share: disks to copy, and qemu-img as the independent judge.
requires qemu-img --version

mib=$((1024 * 1024))
# Without the header of gzip: a file that begins with one is unpacked.
seq 1 800000 | gzip -nc1 | tail -c +11 >noise
seq 1 300000 >text

# place FILE AT FROM BYTES: overwrites a part of FILE, never beyond its end.
place() {
	local room=$(($(stat -c %s "$1") - $2))

	[ $room -gt 0 ] || return 0
	dd if="$3" of="$1" bs=64k iflag=count_bytes count=$(($4 < room ? $4 : room)) \
		oflag=seek_bytes seek="$2" conv=notrunc status=none
}

# make_disk FILE BYTES: noise, text, written zeros, holes, small pieces, and data at the very end.
make_disk() {
	local at

	rm -f "$1"
	truncate -s "$2" "$1"
	place "$1" 0 noise 700000
	place "$1" $mib /dev/zero 600000
	place "$1" $((2 * mib)) text 1500000
	for ((at = 4 * mib; at < 5 * mib; at += 36 * 1024)); do
		place "$1" $at noise 4096
	done
	place "$1" $((6 * mib + 512)) text 70000
	place "$1" $((8 * mib)) noise 1234567
	place "$1" $(($2 > 5000 ? $2 - 5000 : 0)) text 5000
}

# hash_of COMMAND...: SHA-256 of what it prints.
hash_of() {
	"$@" | sha256sum | cut -d ' ' -f 1
}

# hash_padded FILE: of the disk that qemu-img sees in a raw file, which is whole sectors.
hash_padded() {
	hash_of cat "$1" <(head -c $((-$(stat -c %s "$1") & 511)) /dev/zero)
}

# hash_content IMAGE [OPTION...]: of the disk, as imgconv reads it.
hash_content() {
	hash_of imgconv "${@:2}" "$1" -O raw -
}

# clean IMAGE: qemu-img finds neither an error nor a leak.
clean() {
	qemu-img check "$1" >check.txt 2>&1 || {
		cat check.txt >&2
		fail "qemu-img check finds fault with $1"
	}
}

# judged IMAGE DISK WHAT: clean, and what qemu-img reads from it is what the raw DISK holds.
judged() {
	clean "$1"
	qemu-img compare -F raw "$1" "$2" >compare.txt || {
		cat compare.txt >&2
		fail "qemu-img reads other content: $3"
	}
}

# has_options IMAGE OPTIONS: qemu-img sees that the image was made with them.
has_options() {
	local option name value

	qemu-img info --output=json "$1" >info.json
	for option in ${2//,/ }; do
		name=${option%%=*} value=${option#*=}
		case $name in
		cluster_size)
			same "$(numfmt --from=iec "${value^^}")" \
				"$(jq '."cluster-size"' info.json)" "$2: $name"
			;;
		compat | refcount_bits | compression_type | data_file | data_file_raw | \
			extended_l2 | lazy_refcounts)
			value=${value/#on/true} value=${value/#off/false}
			same "$value" "$(jq -r --arg key "${name//_/-}" \
				'."format-specific".data[$key]' info.json)" "$2: $name"
			;;
		esac
	done
}

# only_files NAME...: the current folder holds these and nothing else, hidden or not.
only_files() {
	same "$(printf '%s\n' "$@" | sort)" "$(find . -mindepth 1 -printf '%P\n' | sort)" \
		"other files than expected are left"
}

# mounted FILE-SYSTEM: a small one that shares blocks in the folder fs, or nothing.
mounted() {
	rm -f fs.img
	truncate -s 400M fs.img
	case $1 in
	xfs) mkfs.xfs -q -m reflink=1 fs.img ;;
	btrfs) mkfs.btrfs -q fs.img ;;
	esac >mkfs.txt 2>&1 && mount -o loop fs.img fs 2>mkfs.txt
}
