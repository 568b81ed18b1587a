# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts about disks in use share: layouts, and two who write to them.
. "$srcdir/tests/interop/judge.sh"
requires qemu-io --version
play=$builddir/tests/tools/play

caches=(writeback writethrough none directsync unsafe)

# Bytes of the disk, grain of the requests, options for -o, "backing", "compressed" or "snapshot".
layouts='
1048576 4096 cluster_size=512 -
2621440 16384 cluster_size=512,refcount_bits=64 -
524288 4096 cluster_size=512,compat=0.10 snapshot
1048576 4096 cluster_size=4k,compat=0.10 backing
2097152 4096 cluster_size=4k,refcount_bits=1 -
1048576 4096 cluster_size=4k snapshot
1048576 4096 cluster_size=4k compressed
1048576 4096 cluster_size=4k,lazy_refcounts=on -
1048576 4096 cluster_size=4k,data_file=image.data -
1048576 4096 cluster_size=4k,data_file=image.data,data_file_raw=on -
1048576 4096 cluster_size=16k,extended_l2=on backing
1048576 4096 cluster_size=16k,extended_l2=on compressed
4194304 16384 cluster_size=64k,extended_l2=on snapshot
4194304 16384 cluster_size=64k,extended_l2=on,data_file=image.data -
4194304 65536 cluster_size=64k backing
4194304 65536 cluster_size=64k,compression_type=zstd compressed
16777216 65536 cluster_size=2M -
'

# each_layout COMMAND: COMMAND BYTES GRAIN OPTIONS EXTRA NUMBER for each of them.
each_layout() {
	local size grain options extra n=0

	while read -r size grain options extra; do
		[ -n "$size" ] || continue
		"$1" "$size" "$grain" "$options" "$extra" $n </dev/null
		n=$((n + 1))
	done <<<"$layouts"
}

# qemu_makes OPTIONS EXTRA: image.qcow2 with the content of start.raw, by qemu-img.
qemu_makes() {
	rm -f image.qcow2 image.data
	case $2 in
	backing)
		qemu-img create -q -f qcow2 -o "$1" -b start.raw -F raw image.qcow2
		;;
	compressed)
		qemu-img convert -c -O qcow2 -o "$1" start.raw image.qcow2
		;;
	*)
		qemu-img convert -O qcow2 -o "$1" start.raw image.qcow2
		;;
	esac
	[ "$2" != snapshot ] || qemu-img snapshot -c before image.qcow2
}

# we_make OPTIONS EXTRA: the same by imgconv; the snapshot is still qemu-img's.
we_make() {
	rm -f image.qcow2 image.data
	case $2 in
	backing)
		imgconv -o "$1" -B start.raw -F raw start.raw image.qcow2
		;;
	compressed)
		imgconv -c -o "$1" start.raw image.qcow2
		;;
	*)
		imgconv -o "$1" start.raw image.qcow2
		;;
	esac
	[ "$2" != snapshot ] || qemu-img snapshot -c before image.qcow2
}

# agreed WHAT: nothing is wrong with image.qcow2, nothing has leaked, and both of us read in it what
# is in model.raw; a snapshot still is what it was.
agreed() {
	judged image.qcow2 model.raw "$1"
	imgcmp image.qcow2 model.raw >/dev/null || fail "we read other content: $1"
	[ "$(qemu-img snapshot -l image.qcow2 | wc -l)" = 0 ] || {
		qemu-img convert -l before -O raw image.qcow2 before.raw
		cmp before.raw start.raw || fail "the snapshot has changed: $1"
	}
}

# qemu_plays SIZE SEED [IMAGE]: random requests by qemu-io, to IMAGE (image.qcow2) and model.raw; the
# seed chooses the cache mode, too.
qemu_plays() {
	local image=${3:-image.qcow2}

	awk -v size="$1" -v seed="$2" 'BEGIN {
		srand(seed)
		for (i = 0; i < 60; i++) {
			at = int(rand() * size / 512) * 512
			len = 512 * (1 + int(rand() * 200))
			if (at + len > size)
				len = size - at
			how = int(rand() * 6)
			if (how == 0)
				print "write -z " at " " len
			else if (how == 1)
				print "write -z -u " at " " len
			else if (how == 2)
				print "flush"
			else
				print "write -P " 1 + int(rand() * 255) " " at " " len
		}
	}' >commands
	qemu-io -t ${caches[($2 / 10 + $2) % 5]} -f "${image##*.}" "$image" <commands >qemu-io.txt ||
		fail "qemu-io: $(cat qemu-io.txt)"
	qemu-io -t unsafe -f raw model.raw <commands >/dev/null
}
