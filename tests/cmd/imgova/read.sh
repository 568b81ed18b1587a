# SPDX-License-Identifier: LGPL-2.1-or-later
# imgova list, extract and verify: of archives, of folders and of boxes; and what is wrong with some.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/imgova/changed.sh"
requires qemu-img --version
requires bsdtar --version
requires jq --version
requires xmllint --version

dd if=/dev/urandom of=a.raw bs=64k count=10 status=none
truncate -s 4M a.raw
seq 1 100000 >b.raw
truncate -s 2M b.raw
imgova create --cpus 2 --network LAN --name web web.ova a.raw b.raw
mkdir folder
bsdtar -xf web.ova -C folder
imgova create --box libvirt k.box a.raw b.raw
imgova create --box virtualbox v.box b.raw
gzip -c v.box >z.box

# json VERB APPLIANCE FILTER: what a report says, once it is as the schemas have it.
json() {
	imgova "$1" --output=xml "$2" >report.xml
	xmllint --noout --relaxng "$srcdir/doc/imgova.rng" report.xml 2>err || fail "$(cat err report.xml)"
	imgova "$1" --output=json "$2" >report.json
	same "" "$(jq -r --slurpfile schema "$srcdir/doc/imgova.schema.json" \
		-f "$srcdir/tests/cmd/common/schema.jq" report.json)" "schema"
	jq -r "$3" report.json
}

# ---- What is in them -----------------------------------------------------------------------------

for appliance in web.ova folder/web.ovf; do
	same "web 2 1073741824 LAN" "$(json list $appliance \
		'.systems[0] | "\(.name) \(.cpus) \(.memory) \(.networks[0].name)"')" "machine of $appliance"
	same $'1 web-disk1.vmdk 4194304 true\n2 web-disk2.vmdk 2097152 true' "$(json list $appliance \
		'.disks[] | "\(.number) \(.file) \(.capacity) \(.present)"')" "disks of $appliance"
	same 0 "$(json verify $appliance '.problems | length')" "problems of $appliance"
	imgova list $appliance | grep -q web-disk2.vmdk
done
imgova create --name '<v>' xml.ova b.raw
same "_v_-disk1.vmdk" "$(json list xml.ova '.disks[0].file')" "disk of an archive that starts with <"
imgcmp -q --disk 1 xml.ova b.raw
same "box.img box_1.img" "$(json list k.box '[.disks[].file] | join(" ")')" "disks of a box"

# ---- Their disks ----------------------------------------------------------------------------------

for appliance in web.ova folder/web.ovf k.box; do
	imgova extract --disk 2 $appliance b.qcow2
	qemu-img compare -q -f qcow2 -F raw b.qcow2 b.raw
	imgova extract --disk 1 -O raw $appliance - | cmp - a.raw
	imgconv --disk 2 $appliance c.raw
	cmp b.raw c.raw
done
exits 1 imgconv --disk 1 --member 2 web.ova c.raw 2>err

# Every command that reads images takes a disk by its number.
imginfo --disk 2 --output=json web.ova | jq -e '."virtual-size" == 2097152' >/dev/null
imgmap --disk 2 web.ova >by-number
imgmap --member web-disk2.vmdk web.ova | diff by-number -
imgcmp -q --disk 2 web.ova b.raw
imgcmp -q --second-disk 2 b.raw folder/web.ovf
imgcmp -q --disk 1 --second-disk web-disk1.vmdk web.ova folder/web.ovf
exits 1 imgcmp -q --disk 1 --second-disk 2 web.ova web.ova
imgmeasure --disk 2 -O raw --output=json web.ova | jq -e '."fully-allocated" == 2097152' >/dev/null
imgcheck -q --disk 2 --data web.ova
exits 1 imgcheck --disk 3 web.ova 2>err
exits 1 imginfo --disk 1 --member 2 web.ova 2>err
imgcheck -q --salvage --disk 2 -O raw -o saved.raw web.ova
cmp b.raw saved.raw
# Disks of a box may have any names, which its metadata tell.
mkdir named && cp a.raw named/first && cp b.raw named/second
echo '{"disks": [{"path": "second"}, {"path": "first"}], "provider": "libvirt"}' >named/metadata.json
bsdtar --format=ustar -czf named.box -C named ./metadata.json first second
same "second first" "$(json list named.box '[.disks[].file] | join(" ")')" "disks of a box that lists them"
imgova extract --disk 2 -O raw named.box - | cmp - a.raw
imgova verify -q named.box
bsdtar --format=ustar -cf gone.box -C named metadata.json first
exits 2 imgova verify --output=json gone.box >report.json
same file.missing "$(jq -r '.problems[].id' report.json)" "a disk that is not in the box"
echo '{"disks": 1}' >named/metadata.json
bsdtar --format=ustar -cf bad.box -C named metadata.json first
exits 1 imgova list bad.box 2>err && grep -q 'bad.box: metadata.json: its disks are no list' err
for box in v.box z.box; do
	imgova extract --disk 1 -O raw $box - | cmp - b.raw
done
imgova extract web.ova all
same "1-web-disk1.qcow2 2-web-disk2.qcow2" "$(echo $(ls all))" "names"
qemu-img compare -q -f qcow2 -F raw all/1-web-disk1.qcow2 a.raw
imgova extract --disk web-disk1.vmdk -O raw folder/web.ovf c.raw
cmp a.raw c.raw
imgova extract --disk vmdisk2 -O raw web.ova c.raw
cmp b.raw c.raw
exits 1 imgova extract --disk 3 web.ova no.raw 2>err
grep -q 'no disk "3"' err || fail "$(cat err)"
[ ! -e no.raw ] || fail "a disk that there is not"

# ---- What is wrong ---------------------------------------------------------------------------------

# finds ID...: all that verify says of bad/web.ovf.
finds() {
	exits 2 imgova verify --output=json bad/web.ovf >report.json
	same "$*" "$(jq -r '[.problems[].id] | unique | join(" ")' report.json)" "$(cat report.json)"
	exits 2 imgova verify --output=xml bad/web.ovf >report.xml
	xmllint --noout --relaxng "$srcdir/doc/imgova.rng" report.xml 2>err || fail "$(cat err report.xml)"
}

changed 's/capacity="4194304"/capacity="4194816"/'
finds disk.capacity
changed 's/ovf:size="/&1/'
finds file.size
changed 's/fileRef="file2"/fileRef="file3"/'
finds disk.file
changed 's/diskId="vmdisk2"/diskId="vmdisk1"/'
finds disk.twice machine.disk
changed 's/web-disk2.vmdk/gone.vmdk/'
finds file.missing
changed 's/ovf:id="file2"/ovf:id="file1"/'
finds disk.file file.twice
changed 's/ovf:diskId="vmdisk2"/& ovf:parentRef="vmdisk3"/'
finds disk.parent
changed 's,>ovf:/disk/vmdisk2<,>ovf:/file/file3<,'
finds machine.file
changed ''
truncate -s 700 bad/web-disk1.vmdk
finds disk.unreadable file.size
rm -rf bad
cp -r folder bad
printf x | dd of=bad/web-disk1.vmdk bs=1 seek=700 conv=notrunc status=none
sed -i 's/disk2/disk3/' bad/web.mf
finds manifest.mismatch manifest.missing manifest.unlisted
echo nonsense >bad/web.mf
finds manifest.unreadable

# The same of an archive, whose descriptor comes last.
(cd folder && bsdtar --format=ustar -cf ../late.ova web-disk1.vmdk web-disk2.vmdk web.mf web.ovf)
exits 2 imgova verify --output=json late.ova >report.json
same descriptor.late "$(jq -r '.problems[].id' report.json)" "order"
imgova extract --disk 1 -O raw late.ova - | cmp - a.raw
sed -E 's/(disk2.vmdk\)= ).{4}/\10000/' folder/web.mf >web.mf
(cd folder && bsdtar --format=ustar -cf ../sum.ova web.ovf web-disk1.vmdk web-disk2.vmdk -C .. web.mf)
exits 2 imgova verify sum.ova >out

(cd folder && bsdtar --format=ustar -cf ../twice.ova web.ovf web-disk1.vmdk web-disk2.vmdk web-disk2.vmdk)
exits 2 imgova verify --output=json twice.ova >report.json
same archive.twice "$(jq -r '.problems[].id' report.json)" "a name that is there twice"

# ---- Names -----------------------------------------------------------------------------------------

# In a descriptor names are encoded as in a URI; not everybody does so.
for name in 'my disk.vmdk' 'my%20disk.vmdk'; do
	changed 's/web-disk1.vmdk/my%20disk.vmdk/'
	mv bad/web-disk1.vmdk "bad/$name"
	imgova verify -q bad/web.ovf
	bsdtar --format=ustar -cf bad.ova -C bad web.ovf "$name" web-disk2.vmdk
	imgova verify -q bad.ova
	imgova extract --disk 1 -O raw bad.ova - | cmp - a.raw
	imgova extract --disk 1 -O raw bad/web.ovf - | cmp - a.raw
done
imgova create --name 'My VM ü' --profile virtualbox named.ova b.raw
same "My VM ü.ovf My_VM___-disk1.vmdk My VM ü.mf" "$(tar --quoting-style=literal -tf named.ova | xargs)" names
imgova verify -q named.ova

# ---- Schemas ---------------------------------------------------------------------------------------

cat >part.xsd <<'XSD'
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns="http://schemas.dmtf.org/ovf/envelope/1" elementFormDefault="qualified" attributeFormDefault="qualified">
<xs:complexType name="file"><xs:attribute name="href" type="xs:anyURI" use="required"/>
<xs:attribute name="id" type="xs:string" use="required"/><xs:attribute name="size" type="xs:unsignedShort"/>
</xs:complexType></xs:schema>
XSD
sed -e '/complexType name/,/complexType>/d' part.xsd >own.xsd
cat >>own.xsd <<'XSD'
<xs:include schemaLocation="part.xsd"/><xs:element name="Envelope"><xs:complexType><xs:sequence>
<xs:element name="References"><xs:complexType><xs:sequence>
<xs:element name="File" type="file" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
<xs:any maxOccurs="unbounded" processContents="lax"/></xs:sequence></xs:complexType></xs:element></xs:schema>
XSD
sed 's/unsignedShort/unsignedLong/' part.xsd >long.xsd
sed 's/part.xsd/long.xsd/' own.xsd >wide.xsd
for schema in own wide; do
	want=0
	xmllint --noout --nonet --schema $schema.xsd folder/web.ovf 2>judge || want=2
	exits $want imgova verify --schema $schema.xsd --output=json web.ova >report.json
	same "$(grep -c 'Schemas validity' judge || true)" "$(jq '[.problems[]
		| select(.id == "schema.invalid")] | length' report.json)" "flaws by $schema"
done
exits 2 imgova verify --schema own.xsd web.ova >out && grep -q "line [0-9]*: .*unsignedShort" out
for location in http://127.0.0.1:9/part.xsd gone.xsd; do
	sed "s|part.xsd|$location|" own.xsd >bad.xsd
	exits 1 imgova verify --schema bad.xsd web.ova 2>err >out
	grep -q 'bad.xsd: cannot be used as a schema: line' err || fail "$(cat err)"
	same 1 "$(wc -l <err)" "sentences"
done
exits 1 imgova verify --schema none.xsd web.ova 2>err
exits 1 imgova verify --schema own.xsd k.box 2>err && grep -q 'no descriptor' err
