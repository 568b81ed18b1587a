# SPDX-License-Identifier: LGPL-2.1-or-later
# The same source and options give the same bytes, whatever the number of threads, time after time.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

make_disk disk.raw $((11 * mib + 12345))
cat disk.raw noise text disk.raw >long.raw
head -c 5M disk.raw >base.raw
imgconv -c long.raw packed.qcow2

# always NAME SOURCE OPTION...
always() {
	local threads want='' got

	for threads in $(few '1 2 3 7 7' '2 7'); do
		rm -f out.image
		imgconv -m $threads "${@:3}" "$2" out.image
		got=$(sha256sum <out.image)
		same "${want:-$got}" "$got" "$1 with $threads threads"
		want=$got
	done
}

always plain long.raw -O qcow2
always compressed long.raw -O qcow2 -c
always zstd long.raw -O qcow2 -c -o compression_type=zstd
always 'extended L2' long.raw -O qcow2 -o extended_l2=on
always 'small clusters' long.raw -O qcow2 -o cluster_size=512
always 'small clusters, compressed' long.raw -O qcow2 -c -o cluster_size=4k
always 'large clusters' long.raw -O qcow2 -o cluster_size=2M
always backing long.raw -O qcow2 -B base.raw -F raw
always 'from compressed' packed.qcow2 -O qcow2
always cloop long.raw -O cloop
always 'cloop 4.0' long.raw -O cloop -o version=4.0,compression_type=lz4
always 'cloop 4.0, plain' packed.qcow2 -O cloop -o version=4.0,compression_type=none,header=first
always raw packed.qcow2 -O raw
imgconv -o cid=1 base.raw base.vmdk
head -c $((11 * mib + 512)) long.raw >sectors.raw
always vmdk long.raw -O vmdk -o cid=2
always 'vmdk, zeroed grains over a parent' sectors.raw -O vmdk -o cid=2,zeroed_grain=on -B base.vmdk
always 'vmdk, zeros over a parent' sectors.raw -O vmdk -o cid=2 -B base.vmdk
id=12345678-9abc-4def-8123-456789abcdef
imgconv -o uuid=$id base.raw base.vdi
always vdi long.raw -O vdi -o uuid=$id
always 'vdi, blocks of 64k' packed.qcow2 -O vdi -o uuid=$id,block_size=64k
always 'vdi, preallocated' long.raw -O vdi -o uuid=$id,preallocation=falloc
always 'vdi over a parent' long.raw -O vdi -o uuid=$id -B base.vdi
always qcow long.raw -O qcow
always 'qcow, compressed' long.raw -O qcow -c
always 'qcow over a file' packed.qcow2 -O qcow -B base.raw -F raw
always cow sectors.raw -O cow
tail -c 5M sectors.raw >other.raw
always 'cow over a file' other.raw -O cow -o layout=uml-2 -B base.raw -F raw
always 'VMDK stream' long.raw -O vmdk -o subformat=streamOptimized,cid=1
for threads in 1 2 7; do
	cat long.raw | imgconv -m $threads - -O qcow2 - | sha256sum
	imgconv -c -m $threads packed.qcow2 -O qcow2 - | sha256sum
done | sort | uniq -c >hashes.txt
same 2 "$(wc -l <hashes.txt)" "through pipes: $(cat hashes.txt)"
