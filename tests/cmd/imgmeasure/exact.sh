# SPDX-License-Identifier: LGPL-2.1-or-later
# What imgmeasure says is what imgconv makes, to the byte: every format that can be made, with all of
# its options.
. "$srcdir/tests/functions.sh"
requires jq --version
requires python3 --version
requires qemu-img --version

# A disk with data of all lengths, none of which holds zeros;
# one of which whole units are there; and one without holes.
python3 - <<'PY'
import os, random
r = random.Random(9)
def noise(n):
    return bytes(b or 1 for b in r.randbytes(n))
size = 12 * 1024 * 1024 + 1536
for name, grain in ("holes", 4096), ("units", 65536):
    with open(f"{name}.raw", "wb") as f:
        at = 0
        while at < size:
            n = min(r.choice((1, 16, 150)) * r.randrange(1, 3) * grain, size - at)
            if r.randrange(2):
                f.seek(at)
                f.write(noise(n))
            at += n + grain * r.randrange(0, 30)
        f.truncate(size)
with open("full.raw", "wb") as f:
    f.write(noise(3 * 1024 * 1024))
PY
truncate -s 7G none.raw
imgconv units.raw units.qcow2
imgconv -c units.raw packed.qcow2

# made FOLDER: bytes of all files in it.
made() {
	stat -c %s "$1"/* | python3 -c "import sys; print(sum(map(int, sys.stdin)))"
}

# judge SOURCE OPTION...: measures, converts, compares.
judge() {
	local source=$1 i=$((++count))
	shift

	mkdir "$i"
	exits 0 imgmeasure --output=json "$@" "$source" "$i/new.img" >said
	[ -z "$(ls "$i")" ] || fail "it made something: $*"
	exits 0 imgconv "$@" "$source" "$i/new.img"
	same "$(made "$i")" "$(jq .required said)" "$source with $*"
	# The file system needs some blocks for itself; zeros inside of a block of VDI become holes.
	space=$(($(du -c --block-size=1 "$i"/* | tail -n 1 | cut -f 1) - $(jq '.["disk-size"]' said)))
	((space <= 16384)) || fail "the space of $source with $*: $space more"
	[[ $* = *vdi* || $space -ge 0 ]] || fail "the space of $source with $*: $space less"
	rm -r "$i"
}
count=0

while read -r format options; do
	judge holes.raw -O "$format" ${options:+-o "$options"}
	[ "$options" ] || judge packed.qcow2 -O "$format"
done <<END
raw
raw preallocation=falloc
raw preallocation=full
qcow2
qcow2 compat=0.10
qcow2 cluster_size=512
qcow2 cluster_size=4k,refcount_bits=64
qcow2 cluster_size=2M,refcount_bits=1
qcow2 extended_l2=on,cluster_size=128k
qcow2 preallocation=metadata
qcow2 preallocation=falloc
qcow2 preallocation=full,lazy_refcounts=on
qcow2 data_file=new.data
qcow2 data_file=new.data,data_file_raw=on
qcow
qcow cluster_size=512
qcow cluster_size=64k
vmdk
vmdk subformat=monolithicFlat
vmdk subformat=twoGbMaxExtentSparse
vmdk subformat=twoGbMaxExtentFlat
vmdk adapter_type=lsilogic,hwversion=10,zeroed_grain=on
vmdk compat6=on,toolsversion=1,cid=1234abcd
vmdk preallocation=metadata
vmdk preallocation=full
vdi
vdi static=on
vdi block_size=64k
vdi preallocation=metadata
vdi preallocation=falloc
cloop version=4.0,compression_type=none
END

# Compressed, a whole disk fits into the sample: that is exact, too.
while read -r format options; do
	judge holes.raw -O "$format" ${options:+-o "$options"}
	same exact "$(jq -r .exactness said)" "$format $options"
done <<END
cloop
cloop version=4.0,header=last,compression_type=lz4
cloop block_size=512k,compression_level=1
vmdk subformat=streamOptimized
vmdk subformat=streamOptimized,compression_level=12
END
for options in "-O qcow2" "-O qcow2 -o compression_type=zstd" "-O qcow2 -o cluster_size=4k" "-O qcow"; do
	judge holes.raw -c $options
done

# Large and empty; extents of 2 GiB each.
for format in raw qcow2 vmdk vdi qcow; do
	judge none.raw -O $format
done
judge none.raw -O vmdk -o subformat=twoGbMaxExtentFlat
judge none.raw -O vmdk -o subformat=twoGbMaxExtentSparse
exits 0 imgmeasure --output=json -O qcow2 --size 7G >said
exits 0 imgmeasure --output=json -O qcow2 none.raw >other
same "$(jq .required other)" "$(jq .required said)" "a size alone"

# On a backing file only what differs counts; cow images know no other way.
cp holes.raw base.raw
head -c 300000 full.raw | dd of=base.raw bs=64k seek=20 conv=notrunc status=none
for format in qcow2 qcow cow; do
	judge holes.raw -O $format -B "$PWD/base.raw" -F raw
done

# Zeros in the data are seen only if the data are read.
dd if=/dev/zero of=holes.raw bs=64k count=40 seek=30 conv=notrunc status=none
for format in raw qcow2 vdi; do
	judge holes.raw -S 4k -O $format
	same exact "$(jq -r .exactness said)" "with the data read"
	judge holes.raw -S 0 -O $format
done
exits 0 imgmeasure --output=json -O qcow2 holes.raw >said
same at-most "$(jq -r .exactness said)" "without it"

# The largest that it can become: the same disk, full.
for options in "-O raw" "-O qcow2" "-O qcow2 -o cluster_size=512" "-O vdi" "-O vmdk" "-O qcow"; do
	truncate -s 3M empty.raw
	exits 0 imgmeasure --output=json $options empty.raw >said
	exits 0 imgconv $options full.raw out.img
	same "$(stat -c %s out.img)" "$(jq '.["fully-allocated"]' said)" "$options, full"
done

# A snapshot is measured by itself, and snapshots are no part of a copy.
qemu-img snapshot -c one units.qcow2
qemu-io -c 'write -P 7 0 6M' units.qcow2 >/dev/null
judge units.qcow2 -O qcow2
judge units.qcow2 -O qcow2 -l one
judge units.qcow2 -O raw -l snapshot.name=one
