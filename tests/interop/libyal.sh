# SPDX-License-Identifier: LGPL-2.1-or-later
# libvmdk and libqcow, which know nothing of QEMU, judge what imgconv writes: what they tell of each
# type of VMDK and qcow image, and the disk that they read.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires vmdkinfo -V
requires qcowinfo -V
# Debian's own: another Python does not see Debian's modules.
requires /usr/bin/python3 -c 'import pyqcow, pyvmdk'

cat >content.py <<'END'
import hashlib, sys

kind, path = sys.argv[1:]
if kind == 'vmdk':
    import pyvmdk
    image = pyvmdk.open(path)
    image.open_extent_data_files()
else:
    import pyqcow
    image = pyqcow.open(path)
size, digest, at = image.get_media_size(), hashlib.sha256(), 0
while at < size:
    piece = image.read_buffer_at_offset(min(size - at, 1 << 20), at)
    assert piece, 'nothing at %d' % at
    digest.update(piece)
    at += len(piece)
print(digest.hexdigest())
END

# tells COMMAND FIELD VALUE IMAGE: COMMAND prints that of it.
tells() {
	"$1" "$4" >info.txt 2>&1 || fail "$1: $(cat info.txt)"
	same "$3" "$(sed -n "s/^[[:space:]]*$2[[:space:]]*:[[:space:]]*//p" info.txt)" "$1, $2"
}

# reads_mounted IMAGE: what vmdkmount makes of it, where users can mount.  Monolithic flat images it
# cannot mount, whoever wrote them.
reads_mounted() {
	[[ $1 != monolithicFlat/* && -w /dev/fuse ]] && command -v fusermount >/dev/null || return 0
	mkdir -p mounted
	if ! vmdkmount "$1" mounted >mount.txt 2>&1; then
		grep -q '^fuse' mount.txt || fail "vmdkmount $1: $(cat mount.txt)"
		return 0
	fi
	got=$(hash_of cat mounted/vmdk1) || got=
	fusermount -u mounted
	same "$(hash_of cat disk.raw)" "$got" "$1, mounted"
}

make_disk disk.raw $((11 * mib + 12288))
while read -r type says; do
	for more in '' $([[ $type = *Flat ]] || echo ,zeroed_grain=on); do
		[[ $type$more != streamOptimized,zeroed* ]] || continue
		image=$type/image.vmdk
		rm -rf "$type"
		mkdir "$type"
		imgconv -O vmdk -o subformat="$type$more" disk.raw "$image"
		tells vmdkinfo 'Disk type' "$says" "$image"
		tells vmdkinfo 'Media size' '11 MiB (11546624 bytes)' "$image"
		same "$(hash_of cat disk.raw)" "$(/usr/bin/python3 content.py vmdk "$image")" \
			"$type$more, content"
		reads_mounted "$image"
	done
done <<'END'
monolithicSparse Monolithic sparse
monolithicFlat Monolithic flat
twoGbMaxExtentSparse 2GB extent sparse
twoGbMaxExtentFlat 2GB extent flat
streamOptimized Stream optimized
END

# Sparse files in more than one part, and tables in a stream that the disk has more of.
truncate -s 4100M disk.raw
place disk.raw $((2046 * mib - 1000)) text 200000
place disk.raw $((4099 * mib)) noise 300000
for type in twoGbMaxExtentSparse streamOptimized; do
	rm -rf images
	mkdir images
	imgconv -O vmdk -o subformat=$type disk.raw images/image.vmdk
	/usr/bin/python3 - disk.raw images/image.vmdk <<-'END' || fail "$type of 4100M"
		import sys, pyvmdk
		raw = open(sys.argv[1], 'rb')
		image = pyvmdk.open(sys.argv[2])
		image.open_extent_data_files()
		assert image.get_media_size() == 4100 << 20
		for at in (0, 4 << 20, 8 << 20, 2045 << 20, 2046 << 20, 4099 << 20):
		    raw.seek(at)
		    assert image.read_buffer_at_offset(1 << 20, at) == raw.read(1 << 20), at
	END
done

# Clusters of another size than 4 KiB libqcow does not read, or not as they are.
make_disk disk.raw $((11 * mib + 12288))
for options in '' -c; do
	# shellcheck disable=SC2086
	imgconv -O qcow $options disk.raw image.qcow
	tells qcowinfo 'Format version' 1 image.qcow
	tells qcowinfo 'Media size' '11 MiB (11546624 bytes)' image.qcow
	same "$(hash_of cat disk.raw)" "$(/usr/bin/python3 content.py qcow image.qcow)" \
		"qcow, $options, content"
done
