# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks of every awkward size, through plain, compressed and piped qcow2 and back: the same content;
# raw keeps its length, qcow2 is whole sectors.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

for size in 0 1 511 512 513 4096 65535 65536 65537 $((3 * mib)) $((3 * mib + 1)) \
	$((9 * mib - 511)); do
	make_disk disk.raw $size
	want=$(hash_padded disk.raw)
	for how in '' -c '-o extended_l2=on' '-o cluster_size=512' '-o compat=0.10' \
		'-o preallocation=full' '-o data_file=image.data,data_file_raw=on'; do
		rm -f image.qcow2 image.data
		# shellcheck disable=SC2086
		imgconv $how disk.raw image.qcow2
		judged image.qcow2 disk.raw "$size bytes, $how"
		same "$want" "$(hash_content image.qcow2)" "$size bytes there and back, $how"
	done
	cat disk.raw | imgconv - -O qcow2 - | cat >image.qcow2
	judged image.qcow2 disk.raw "$size bytes, through pipes"
	imgconv image.qcow2 back.raw
	same "$want" "$(hash_of cat back.raw)" "$size bytes, raw out"
	imgconv disk.raw copy.raw
	cmp copy.raw disk.raw || fail "$size bytes, raw to raw"
	cat disk.raw | imgconv -f raw - -O raw - | cmp - disk.raw || fail "$size bytes, raw pipes"
done
