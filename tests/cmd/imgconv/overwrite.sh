# SPDX-License-Identifier: LGPL-2.1-or-later
# Neither a target nor --report takes the place of what the command reads, nor both the same, by whatever
# name; it is refused by a sentence that says so, before anything is written.
. "$srcdir/tests/functions.sh"

dd if=/dev/urandom of=base.raw bs=64k count=1 status=none
imgconv base.raw disk.qcow2
imgcreate -q -b base.raw -F raw mid.qcow2
imgcreate -q -b mid.qcow2 -F qcow2 top.qcow2
imgconv -O qcow2 -o data_file=data.raw base.raw apart.qcow2
printf secret >key
imgconv --key-file=key -O luks -o iter-time=1,header=head.luks base.raw body.luks
mkdir dir
ln -s ../base.raw dir/soft
ln base.raw hard
ln -s new.qcow2 to-new

# refused PATTERN ARG...: of imgconv; no file changes, and none is made.
refused() {
	local before

	before=$(find . -type f ! -name message -exec sha256sum {} + | sort)
	exits 1 imgconv "${@:2}" 2>message
	grep -q -- "$1" message || fail "${*:2}: $(cat message)"
	same "$before" "$(find . -type f ! -name message -exec sha256sum {} + | sort)" "files: ${*:2}"
}

# ---- The report ----------------------------------------------------------------------------------

what="--report cannot write there"
for name in disk.qcow2 ./disk.qcow2 new.qcow2 ./dir/../new.qcow2 to-new; do
	refused "$what" --report=$name disk.qcow2 new.qcow2
done
for name in base.raw hard dir/soft mid.qcow2 top.qcow2; do
	refused "$what" --report=$name top.qcow2 new.qcow2
	refused "$what" -U --report=$name top.qcow2 new.qcow2
done
refused "$what" --report=base.raw --in-place -O qcow2 base.raw
refused "$what" --report=data.raw apart.qcow2 new.qcow2
refused "$what" --report=new.data -O qcow2 -o data_file=new.data disk.qcow2 new.qcow2
refused "$what" --report=base.raw -B base.raw -F raw disk.qcow2 new.qcow2
refused "$what" --report=key --key-file=key --header=head.luks body.luks new.qcow2
refused "$what" --report=head.luks --key-file=key --header=head.luks body.luks new.qcow2
refused "$what" --report=new.head --key-file=key -O luks -o iter-time=1,header=new.head base.raw new.luks
refused "$what" --report=base.raw -O qcow2 - new.qcow2 <base.raw
tar -cf disk.tar disk.qcow2
refused "$what" --report=disk.tar disk.tar new.qcow2

# ---- The target ----------------------------------------------------------------------------------

what="is read for what would be written there"
for name in base.raw hard dir/soft mid.qcow2; do
	refused "$what" -O raw top.qcow2 $name
	refused "$what" -U -O raw top.qcow2 $name
	refused "$what" --tar -O qcow2 top.qcow2 $name
done
refused "$what" -U -O raw apart.qcow2 data.raw
refused "$what" -U --key-file=key -O raw --header=head.luks body.luks head.luks
refused "$what" --key-file=key -O raw --header=head.luks body.luks key
refused "cannot stand on itself" -B mid.qcow2 -F qcow2 -O qcow2 disk.qcow2 base.raw
refused "$what" -U -O qcow2 -o data_file=base.raw top.qcow2 new.qcow2
refused "image and data file are the same file" -O qcow2 -o data_file=new.qcow2 disk.qcow2 new.qcow2
refused "$what" --with-snapshots -O qcow2 mid.qcow2 base.raw

# What the source and the new image both stand on is only read.
imgconv --report=report -B base.raw -F raw top.qcow2 new.qcow2
imgcmp -q new.qcow2 top.qcow2
