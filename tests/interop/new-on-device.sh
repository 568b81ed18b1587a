# SPDX-License-Identifier: LGPL-2.1-or-later
# New images of every format where there is room and no file: on a block device and behind an NBD
# server.  One that does not fit leaves what was there; one that is not finished is no image.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires nbdkit --version

make_disk disk.raw $((24 * mib))
want=$(hash_of cat disk.raw)
head -c $((32 * mib)) /dev/urandom >noise.raw

# serve FILE [FILTER PARAMETER]: at $uri, by the process $server.
serve() {
	rm -f socket pid
	nbdkit -P "$PWD/pid" -U "$PWD/socket" "${@:2:1}" file "$1" "${@:3}"
	until [ -s pid ]; do sleep 0.02; done
	server=$(cat pid)
	cleanup_fn kill "$server"
	uri="nbd+unix:///?socket=$PWD/socket"
}

# read_back FORMAT FILE: by qemu-img, which does not know how the file came about.
read_back() {
	qemu-img convert -f "$1" -O raw "$2" back.raw
	same "$want" "$(hash_of cat back.raw)" "$1 in $2"
}

# finished FORMAT TARGET: on top of an image of another disk, and a disk full of noise.
finished() {
	imgconv -q -O "$1" disk.raw "$2"
	imgcmp -q disk.raw "$2"
	exits 0 imgcheck -q "$2"
	[ "$1" = cow ] || read_back "$1" "${3-$2}"
}

cp noise.raw room.raw
serve room.raw
for format in qcow2 vdi vmdk qcow cow cloop; do
	finished $format "$uri" room.raw
done
# The disk ends in a sector: the rest of that is zeros, not what was there.
head -c $((mib + 29357)) noise.raw >odd.raw
for format in qcow2 vmdk qcow; do
	cp noise.raw room.raw
	imgconv -q -O $format odd.raw "$uri"
	same "$(hash_padded odd.raw)" "$(hash_content "$uri" -f $format)" "$format, a part of a sector"
done
imgconv -q -c -O qcow2 disk.raw "$uri"
read_back qcow2 room.raw
imgcreate -f qcow2 "$uri" 1G
same 1073741824 "$(qemu-img info --output=json -f qcow2 room.raw | jq '."virtual-size"')" imgcreate
kill "$server"

# Too small: nothing of it changes, and what it needs is what imgmeasure says.
head -c 3M noise.raw >small.raw
cp small.raw kept.raw
need=$(imgmeasure -S 4k -O qcow2 --output=json disk.raw | jq .required)
serve small.raw
exits 1 imgconv -q -O qcow2 disk.raw "$uri" 2>err
grep -q "has room for 3145728 bytes, $need are needed" err || fail "$(cat err)"
cmp kept.raw small.raw
# Zeros that are stored in the source take no room.
truncate -s 8M zeros.raw
dd if=/dev/zero of=zeros.raw bs=1M count=8 conv=notrunc status=none
imgconv -q -O qcow2 zeros.raw "$uri"
qemu-img compare -q -f raw -F qcow2 zeros.raw small.raw
kill "$server"

# Interrupted while it is written: neither the old image nor the new one.
imgconv -q -O vdi disk.raw noise.raw.vdi
cp noise.raw.vdi room.raw
truncate -s 32M room.raw
serve room.raw --filter=delay delay-write=100ms
imgconv -q -O qcow2 disk.raw "$uri" 2>err &
job=$!
becomes cmp -s -n 65536 room.raw /dev/zero || fail "the old header stays"
kill -KILL $job
wait $job 2>/dev/null || true
kill "$server"
cmp -n 65536 room.raw /dev/zero
! cmp -s room.raw noise.raw.vdi || fail "killed before it wrote"

requires losetup --version
cp noise.raw room.raw
device=$(losetup -f --show room.raw 2>/dev/null) || skip "this needs: loop devices, and root"
cleanup_fn losetup -d "$device"
for format in qcow2 vmdk; do
	finished $format "$device"
done
exits 1 imgcreate -f qcow2 -o preallocation=full "$device" 64M 2>err
grep -q "has room for 33554432 bytes, .* are needed" err || fail "$(cat err)"
imgcmp -q disk.raw "$device"
