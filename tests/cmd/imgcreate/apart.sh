# SPDX-License-Identifier: LGPL-2.1-or-later
# No image is made, or changed, to stand on itself or to have its data in itself or in what it stands on, by
# whatever name; what is there stays.
. "$srcdir/tests/functions.sh"

head -c 64k /dev/urandom >disk.raw
cp disk.raw base.raw
imgconv -f raw disk.raw a.qcow2
imgsnap overlay -q a.qcow2 b.qcow2
imgconv -f raw disk.raw a.vdi
imgconv -f raw disk.raw a.vmdk
ln -s a.qcow2 link.qcow2
ln -s new.qcow2 dangling
imgconv -f raw -O qcow2 -o data_file=c.data disk.raw c.qcow2

sums() {
	find . -type f -exec sha256sum {} + | sort
}
before=$(sums)

# refused PATTERN COMMAND...: with that message, and nothing has changed.
refused() {
	local pattern=$1

	shift
	exits 1 "$@" 2>err
	grep -q "$pattern" err || fail "$*: $(cat err)"
	rm err
	same "$before" "$(sums)" "what is there after $*"
}

itself='cannot stand on itself'
refused "$itself" imgcreate -b a.qcow2 a.qcow2
refused "$itself" imgcreate -b b.qcow2 a.qcow2
refused "$itself" imgcreate -u -f qcow2 -b new.qcow2 -F qcow2 new.qcow2 1M
refused "$itself" imgconv -f raw -B a.qcow2 disk.raw a.qcow2
refused "$itself" imgconv -f raw -B b.qcow2 disk.raw a.qcow2
refused "$itself" imgconv -f raw -B a.qcow2 disk.raw link.qcow2
refused "$itself" imgconv -f raw -B a.vdi disk.raw a.vdi
refused "$itself" imgconv -f raw -B a.vmdk disk.raw a.vmdk
refused "$itself" imgamend -o backing_file=a.qcow2,backing_fmt=qcow2 a.qcow2

data='image and data file are the same file'
refused "$data" imgcreate -f qcow2 -o data_file=new.qcow2 new.qcow2 1M
refused "$data" imgcreate -f qcow2 -o data_file=dangling new.qcow2 1M
refused "$data" imgcreate -f qcow2 -o data_file=new.qcow2 dangling 1M
refused "$data" imgconv -f raw -O qcow2 -o "data_file=$PWD/a.qcow2" disk.raw a.qcow2
refused "$data" imgamend -o data_file=c.qcow2 c.qcow2

below='is a part of the image and of what it stands on'
refused "$below" imgcreate -f qcow2 -o data_file=base.raw -b base.raw -F raw new.qcow2
refused "$below" imgconv -f raw -O qcow2 -o data_file=a.qcow2 -B b.qcow2 disk.raw new.qcow2

# ---- An image that names itself all the same is told, and read by nobody

name_at=$(grep -abo c.data c.qcow2 | cut -d : -f 1)
printf c.disk | dd of=c.qcow2 bs=1 seek="$name_at" conv=notrunc status=none
ln -s c.qcow2 c.disk
exits 1 imgconv c.qcow2 out.raw 2>err
grep -q "$data" err || fail "$(cat err)"
