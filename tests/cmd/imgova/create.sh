# SPDX-License-Identifier: LGPL-2.1-or-later
# imgova create: archives that tar, qemu-img and sha256sum agree with, from files, into pipes, and the
# same bytes each time.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires bsdtar --version
requires xmllint --version

dd if=/dev/urandom of=a.raw bs=64k count=20 status=none
truncate -s 8M a.raw
seq 1 200000 >b.raw
truncate -s 4M b.raw
qemu-img convert -O qcow2 b.raw b.qcow2

# content OVA NAME...: what the members are that are disks, in order.
content() {
	local ova=$1 raw
	shift

	rm -rf unpacked
	mkdir unpacked
	bsdtar -xf "$ova" -C unpacked
	for raw; do
		qemu-img compare -q -f vmdk -F raw "unpacked/$name-disk$((++n)).vmdk" "$raw"
	done
}

# ---- An OVA -------------------------------------------------------------------------------------

imgova create --cpus 2 --memory 3G --network LAN --os debian --firmware efi web.ova a.raw b.qcow2
same $'web.ovf\nweb-disk1.vmdk\nweb-disk2.vmdk\nweb.mf' "$(bsdtar -tf web.ova)" "members"
same $'web.ovf\nweb-disk1.vmdk\nweb-disk2.vmdk\nweb.mf' "$(tar -tf web.ova)" "members, by tar"
bsdtar -tvf web.ova | awk '{ print $1, $3, $4 }' | sort -u >owners
same "-rw-r--r-- 0 0" "$(cat owners)" "owner and mode"
name=web n=0 content web.ova a.raw b.raw

# whole: the manifest of what is unpacked.
whole() {
	(cd unpacked && sed -E 's/^SHA256\((.*)\)= (.*)$/\2  \1/' web.mf | sha256sum -c --quiet)
}
whole
same 3 "$(grep -c '^SHA256(' unpacked/web.mf)" "lines of the manifest"
xmllint --noout --relaxng "$srcdir/doc/ovf.rng" unpacked/web.ovf 2>err || fail "$(cat err)"
# at XPATH: what the descriptor says there.
at() {
	xmllint --xpath "string($1)" unpacked/web.ovf
}
for i in 1 2; do
	same "$(stat -c %s unpacked/web-disk$i.vmdk)" \
		"$(at "//*[local-name()='File'][$i]/@*[local-name()='size']")" "size of file $i"
done
same 8388608 "$(at "//*[local-name()='Disk'][1]/@*[local-name()='capacity']")" "capacity"
same efi "$(at "//*[local-name()='Config']/@*[local-name()='value']")" "firmware"
same 3072 "$(at "//*[local-name()='Item'][2]/*[local-name()='VirtualQuantity']")" "memory"

# ---- The same from and into pipes, with any number of threads --------------------------------------

imgova create --deterministic --name web -m 1 one.ova a.raw b.raw
imgova create --deterministic --name web -m 3 - - b.qcow2 <a.raw | cat >two.ova
cmp one.ova two.ova
imgova create --deterministic --name web - a.raw b.raw >three.ova
cmp one.ova three.ova
imgova create --deterministic --name web - - b.raw < <(cat a.raw) >four.ova
name=web n=0 content four.ova a.raw b.raw
whole

# ---- A template, a domain, other hashes and profiles ------------------------------------------------

bsdtar -xf web.ova web.ovf
sed -i 's/VmxNet3/Mine/' web.ovf
imgova create --template web.ovf --hash sha1 --name new new.ova b.raw a.raw
name=new n=0 content new.ova b.raw a.raw
grep -q Mine unpacked/new.ovf || fail "the template was not kept"
(cd unpacked && sed -E 's/^SHA1\((.*)\)= (.*)$/\2  \1/' new.mf | sha1sum -c --quiet)
exits 1 imgova create --template web.ovf new2.ova b.raw 2>err
grep -q "web.ovf: the OVF has 2 disks, and 1 images" err || fail "$(cat err)"
[ ! -e new2.ova ] || fail "half an appliance is there"

printf "<domain><name>dom</name><memory unit='MiB'>700</memory><vcpu>3</vcpu></domain>" >dom.xml
imgova create --libvirt dom.xml --profile virtualbox --cpus 5 x.ova b.raw
bsdtar -xOf x.ova dom.ovf >dom.ovf
grep -q virtualbox-2.2 dom.ovf && grep -q '>700<' dom.ovf && grep -q '>5<' dom.ovf || fail "$(cat dom.ovf)"

# ---- Boxes ---------------------------------------------------------------------------------------

imgova create --box libvirt k.box a.raw
bsdtar -xf k.box
qemu-img compare -q -f qcow2 -F raw box.img a.raw
same '{"provider": "libvirt", "format": "qcow2", "virtual_size": 1}' "$(cat metadata.json)" "metadata"
imgova create --box virtualbox v.box a.raw
bsdtar -xf v.box
qemu-img compare -q -f vmdk -F raw box-disk0.vmdk a.raw
grep -q 'box-disk0.vmdk' box.ovf || fail "$(cat box.ovf)"
same '{"provider": "virtualbox"}' "$(cat metadata.json)" "metadata"

# ---- What is refused -------------------------------------------------------------------------------

exits 1 imgova create --os beos no.ova a.raw 2>err
exits 1 imgova create --box libvirt --cpus 2 no.box a.raw 2>err
exits 1 imgova create --template web.ovf --cpus 2 no.ova a.raw 2>err
exits 1 imgova create a.raw a.raw 2>err
cp web.ovf other.ovf
exits 1 imgova create --template web.ovf ./web.ovf a.raw b.qcow2 2>err
grep -q "cannot be the target" err || fail "the template: $(cat err)"
cmp web.ovf other.ovf
qemu-img create -q -f qcow2 -b a.raw -F raw top.qcow2
sum=$(sha256sum <a.raw)
exits 1 imgova create a.raw top.qcow2 2>err
grep -q "cannot be the target" err || fail "the backing file: $(cat err)"
same "$sum" "$(sha256sum <a.raw)" "the backing file"
exits 1 imgova create --name ../x no.ova a.raw 2>err
printf '<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>' >bomb.xml
exits 63 imgova create --template bomb.xml no.ova a.raw 2>err
grep -q "bomb.xml: the XML has a document type" err || fail "$(cat err)"
exits 1 imgova create no.ova a.raw missing.raw 2>err
[ ! -e no.ova ] || fail "half an appliance is there"

# same_file FILE ARGUMENT...: making the appliance would take the place of a file that it is made of.
same_file() {
	local file=$1 before

	before=$(sha256sum "$file")
	exits 1 imgova create "${@:2}" 2>err
	grep -qE "^imgova: $file: (source and target are|is read for)" err || fail "${*:2}: $(cat err)"
	same "$before" "$(sha256sum "$file")" "$file was written"
}
imgcreate -q -b b.qcow2 -F qcow2 ov.qcow2
imgcreate -q -b ov.qcow2 -F qcow2 top.qcow2
qemu-img create -q -f qcow2 -o data_file=disk.data outside.qcow2 1M
qemu-img create -q -f vmdk -o subformat=monolithicFlat flat.vmdk 1M
cp b.qcow2 inside.qcow2
ln -s inside.qcow2 link.qcow2
imgcreate -q -b link.qcow2 -F qcow2 linked.qcow2
same_file b.qcow2 b.qcow2 ov.qcow2
same_file b.qcow2 b.qcow2 a.raw top.qcow2
same_file ov.qcow2 --box libvirt -U ov.qcow2 a.raw top.qcow2
same_file disk.data disk.data outside.qcow2
same_file flat-flat.vmdk flat-flat.vmdk flat.vmdk
same_file inside.qcow2 inside.qcow2 linked.qcow2
same_file dom.xml --libvirt dom.xml dom.xml a.raw
same_file web.ovf --template web.ovf web.ovf a.raw b.raw
