# SPDX-License-Identifier: LGPL-2.1-or-later
# Reports in XML and JSON are as the schemas in doc/ say.
. "$srcdir/tests/functions.sh"
requires xmllint --version
requires jq --version
requires qemu-img --version
requires sfdisk --version

# valid STATUS COMMAND ARG...: both reports of a command that ends with that status.
valid() {
	local status=$1
	shift

	exits "$status" "$@" --output=xml >report.xml 2>err
	xmllint --noout --relaxng "$srcdir/doc/$1.rng" report.xml 2>err || {
		cat report.xml err
		fail "XML: $*"
	}
	exits "$status" "$@" --output=json >report.json 2>err
	jq -r --slurpfile schema "$srcdir/doc/$1.schema.json" \
		-f "$srcdir/tests/cmd/common/schema.jq" report.json >problems
	[ ! -s problems ] || {
		cat report.json problems
		fail "JSON: $*"
	}
}

dd if=/dev/urandom of=disk.raw bs=64k count=4 status=none
truncate -s 1M disk.raw
imgconv -c disk.raw small.qcow2
qemu-img convert -O qcow2 disk.raw full.qcow2
qemu-img snapshot -c first full.qcow2
imgcreate -b small.qcow2 top.qcow2
cp full.qcow2 half.qcow2
truncate -s 400k half.qcow2

mke2fs -q -t ext4 fs.raw 4M
valid 0 imgconv --skip-free fs.raw fs.qcow2
valid 0 imgmap --free fs.raw
valid 0 imginfo half.qcow2
valid 0 imginfo full.qcow2
valid 0 imginfo --chain top.qcow2
valid 0 imginfo disk.raw top.qcow2
valid 0 imginfo --formats
for image in disk.raw small.qcow2 top.qcow2 half.qcow2; do
	valid 0 imgmap $image
done
qemu-img create -q -f qcow2 recorded.qcow2 1M
valid 0 imgbitmap recorded.qcow2
imgbitmap --add recorded.qcow2 first
qemu-img bitmap --add --disable recorded.qcow2 second
qemu-io -c 'write 128k 64k' recorded.qcow2 >/dev/null
valid 0 imgbitmap recorded.qcow2
valid 0 imgbitmap --extents recorded.qcow2 first
valid 0 imgbitmap --extents recorded.qcow2 second
valid 0 imginfo recorded.qcow2
valid 0 imgmeasure -O qcow2 recorded.qcow2
valid 0 imgmeasure -O qcow2 --size 1G
valid 0 imgmeasure -O vmdk --size 3T
valid 0 imgmeasure -O qcow2 -c --sample 128k disk.raw
patiently qemu-img create -q -f qcow2 --object secret,id=s,data=abc \
	-o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 locked.qcow2 1M
valid 0 imgcrypt list locked.qcow2
truncate -s 0 empty.raw
valid 0 imgmap empty.raw
valid 0 imgsnap list full.qcow2
valid 0 imgsnap list small.qcow2
valid 0 imgsnap overlay small.qcow2 over.qcow2
valid 0 imgsnap commit --dry-run over.qcow2
valid 0 imgsnap rebase -b disk.raw -F raw --dry-run over.qcow2
valid 0 imgsnap flatten --dry-run over.qcow2
valid 0 imgcmp -s full.qcow2 full.qcow2
printf x | dd of=disk.raw bs=1 seek=9 conv=notrunc status=none
valid 1 imgcmp --all disk.raw top.qcow2
valid 0 imgconv --digest=sha256 disk.raw out.qcow2
valid 4 imgconv --salvage half.qcow2 out.raw
valid 0 imgconv --in-place --dry-run -O raw out.qcow2
valid 0 imgcompress full.qcow2 smaller.qcow2
valid 0 imgcrypt encrypt --in-place --dry-run -f raw full.qcow2
valid 0 imgcompress --in-place --dry-run smaller.qcow2
valid 0 imgcompress --in-place smaller.qcow2

valid 0 imgcheck small.qcow2
valid 2 imgcheck half.qcow2
valid 2 imgcheck --data small.qcow2 half.qcow2
valid 0 imgcheck --findings
valid 0 imgcheck --for=help
valid 0 imgcheck --for=virtualbox small.qcow2
valid 6 imgcheck --for=esxi,ec2 small.qcow2 disk.raw
valid 2 imgcheck --for=azure half.qcow2
valid 4 imgcheck --salvage -o new.qcow2 half.qcow2
valid 0 imgcheck --salvage -o new.qcow2 small.qcow2
valid 0 imgamend -o refcount_bits=32,backing_fmt= full.qcow2
valid 0 imgresize disk.raw +512
truncate -s 8M table.raw
printf 'label: gpt\n,1M\n,1M\n' | sfdisk -q table.raw
valid 0 imgresize --partition=2=max table.raw +1M
printf x | dd of=table.raw bs=1 seek=600 conv=notrunc status=none
valid 0 imgresize --shrink=to-last-partition table.raw
valid 0 imgbench --pattern=randrw --requests=50 --flush-every=9 --verify disk.raw
valid 0 imgbench --pattern=randrw --requests=50 --flush-every=9 --verify-only disk.raw
printf '# recdisk 1 size 1048576\nZ 0 8192 u 0 0\nF 0 0\n' >trace
valid 0 imgbench --trace=trace disk.raw
valid 0 imgbench --trace=trace --formats=raw --caches=writeback,unsafe --repeat=2 --dir=.

# The judge itself must be able to say no.
echo '[{"start": -1}]' >report.json
[ -n "$(jq -r --slurpfile schema "$srcdir/doc/imgmap.schema.json" \
	-f "$srcdir/tests/cmd/common/schema.jq" report.json)" ] || fail "it accepts anything"
