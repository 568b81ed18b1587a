# SPDX-License-Identifier: LGPL-2.1-or-later
# The same workload in each cache mode leaves the same disk.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/disk.sh"

"$play" fill start.raw $((2 * mib))
for options in cluster_size=4k cluster_size=64k cluster_size=64k,data_file=image.data; do
	for cache in "${caches[@]}"; do
		cp start.raw model.raw
		qemu_makes $options -
		"$play" run image.qcow2 model.raw 4096 5 200 "$cache" >told
		agreed "$options, $cache"
		cp model.raw "model-$cache.raw"
		cmp model-writeback.raw model.raw || fail "$cache leads to another disk"

		cp start.raw model.raw
		cp start.raw disk.raw
		"$play" run disk.raw model.raw 4096 5 200 "$cache" >told
		cmp disk.raw model.raw || fail "raw, $cache"
	done
done
