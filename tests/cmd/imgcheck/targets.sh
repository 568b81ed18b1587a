# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcheck --for: which rules of a target apply to which image, and the exit status.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires jq --version

# judged STATUS TARGET IMAGE RULE...: exactly these rules apply ("esxi.format"), in their order.
judged() {
	local status=$1 target=$2 image=$3 got=0
	shift 3

	imgcheck --for="$target" "$image" >out 2>err || got=$?
	same "$status" "$got" "exit status of $target: $image"
	same "$*" "$(grep -oP '\[for\.\K[^]]+(?=\]$)' out | paste -sd ' ')" "$target: $image"
}

truncate -s 100M disk.raw
imgconv disk.raw disk.qcow2
imgconv disk.raw disk.vdi
imgconv -O vmdk -o subformat=streamOptimized disk.raw stream.vmdk
imgcreate -o subformat=monolithicFlat flat.vmdk 100M
imgcreate -o subformat=twoGbMaxExtentFlat split.vmdk 3G
imgcreate -o subformat=twoGbMaxExtentSparse sparse.vmdk 3G
qemu-img create -q -f vmdk -o zeroed_grain=on second.vmdk 100M

# What is made for a target is taken there.
judged 0 virtualbox disk.vdi
judged 0 vsphere stream.vmdk
judged 0 ec2 stream.vmdk
judged 0 ec2 disk.raw
judged 0 esxi flat.vmdk esxi.flat
grep -q 'not judged: the host.s own disks' out || fail "nothing is said of a flat disk"

imgcreate -o subformat=monolithicFlat,adapter_type=legacyESX,hwversion=3 old.vmdk 1M
judged 0 esxi old.vmdk esxi.flat esxi.hardware esxi.adapter

judged 6 esxi disk.qcow2 esxi.format
judged 6 esxi stream.vmdk esxi.stream
judged 6 esxi sparse.vmdk esxi.hosted esxi.split
judged 0 esxi split.vmdk esxi.split
judged 6 vsphere second.vmdk vsphere.subformat
judged 6 vsphere sparse.vmdk vsphere.subformat
judged 6 virtualbox second.vmdk virtualbox.vmdk-version
judged 6 virtualbox disk.raw virtualbox.raw
judged 6 ec2 disk.vdi ec2.format
judged 6 ec2 flat.vmdk ec2.subformat
judged 6 azure disk.raw azure.format
judged 0 virtualbox "$srcdir/testdata/vmdk/good-stream.vmdk"
judged 0 vsphere "$srcdir/testdata/vmdk/good-stream.vmdk" vsphere.grain vsphere.tools
judged 6 virtualbox "$srcdir/testdata/vmdk/good-sesparse.vmdk" virtualbox.vmdk-extent
judged 6 virtualbox "$srcdir/testdata/vmdk/good-cowd-alone.vmdk" \
	virtualbox.vmdk-type virtualbox.vmdk-extent

# QEMU's streams have no footer, and old ones the wrong version.
head -c 128k /dev/urandom | dd of=disk.raw conv=notrunc status=none
qemu-img convert -O vmdk -o subformat=streamOptimized disk.raw theirs.vmdk
judged 0 vsphere theirs.vmdk vsphere.end vsphere.hardware
printf '\1' | dd of=theirs.vmdk bs=1 seek=4 conv=notrunc status=none
judged 6 vsphere theirs.vmdk vsphere.version vsphere.end vsphere.hardware

# qcow2, feature by feature; a leak is less than a refusal.
imgconv disk.raw disk.qcow2
judged 0 virtualbox disk.qcow2 virtualbox.qcow-write
qemu-img snapshot -c first disk.qcow2
judged 6 virtualbox disk.qcow2 virtualbox.qcow-snapshots virtualbox.qcow-write
qemu-img create -q -f qcow2 -o compression_type=zstd zstd.qcow2 1M
judged 6 virtualbox zstd.qcow2 virtualbox.qcow-features virtualbox.qcow-write
judged 3 virtualbox "$srcdir/testdata/check/qcow2.refcount.leak.qcow2" virtualbox.qcow-write
judged 6 ec2 "$srcdir/testdata/check/qcow2.refcount.leak.qcow2" ec2.format
judged 2 virtualbox "$srcdir/testdata/check/vmdk.second.differs.vmdk" \
	virtualbox.vmdk-grain virtualbox.vmdk-second
xz -dc "$srcdir/testdata/check/vdi.header.uuid.vdi.xz" >uuid.vdi
judged 6 virtualbox uuid.vdi virtualbox.vdi-uuid

# A delta.
imgcreate -b disk.raw -F raw over.qcow2
judged 6 ec2 over.qcow2 ec2.format ec2.parent
cp "$srcdir"/testdata/check/image.mismatch.vmdk "$srcdir"/testdata/check/below.bin .
judged 2 ec2 image.mismatch.vmdk ec2.subformat ec2.parent
judged 2 ec2 "$srcdir/testdata/check/vmdk.descriptor.parent.vmdk" ec2.subformat ec2.parent

# VHD is known although it is read as raw; what imgconv cannot read it does not help with.
qemu-img create -q -f vpc -o subformat=fixed,force_size fixed.vhd 100M
qemu-img create -q -f vpc -o force_size dynamic.vhd 100M
judged 0 azure fixed.vhd
judged 0 ec2 dynamic.vhd
judged 6 azure dynamic.vhd azure.fixed
judged 6 esxi fixed.vhd esxi.format
grep -q helps out && fail "imgconv would take a VHD for raw"
qemu-img create -q -f vpc -o subformat=fixed,force_size odd.vhd $((19 << 20 | 512))
judged 6 azure odd.vhd azure.aligned azure.small

# Damage is worse; of what cannot be opened only the format is judged.
truncate -s 200 disk.vdi
judged 2 esxi disk.vdi esxi.format
grep -q '^disk.vdi: esxi: not judged any further: ' out || fail "what is not known: $(cat out)"

# Several targets and images, for programs.
exits 6 imgcheck --for=esxi --for=virtualbox,vsphere --output=json stream.vmdk zstd.qcow2 >out
same 'esxi=true vsphere=false virtualbox=false esxi=true vsphere=true virtualbox=true' "$(jq -r \
	'.images[].targets[] | "\(.target)=\(.refused)"' out | paste -sd ' ')" "the report"
exits 6 imgcheck -q --for=esxi stream.vmdk >out
[ ! -s out ] || fail "--quiet: $(cat out)"
imgcheck --for=help >out
[ "$(grep -c '^for\.' out)" = "$(grep -c '^    according to .' out)" ] || fail "--for=help"
exits 1 imgcheck --for=esxi - <disk.raw 2>err
grep -q 'needs a file' err || fail "standard input: $(cat err)"
exits 1 imgcheck --for=esxi --repair disk.qcow2 2>err
grep -q 'a check alone' err || fail "repair: $(cat err)"
exits 1 imgcheck --for=esx disk.qcow2 2>err
grep -q '"esx" is none of esxi|' err || fail "unknown target: $(cat err)"
exits 1 imgcheck --for=esxi none.raw 2>err
