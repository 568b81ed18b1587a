# SPDX-License-Identifier: LGPL-2.1-or-later
# Images out of archives and compressed files: from files and pipes, by every way to say which.
. "$srcdir/tests/functions.sh"
requires bsdtar --version
requires zstd --version
requires lz4 --version

truncate -s 3M disk.raw
{ head -c 510 /dev/zero; printf '\125\252'; } | dd of=disk.raw conv=notrunc status=none
seq 60000 | dd of=disk.raw bs=1M seek=1 conv=notrunc status=none
imgconv disk.raw disk.qcow2
imgconv -O vmdk -o subformat=streamOptimized disk.raw disk.vmdk
echo '<Envelope/>' >box.ovf

# is_disk IMGCONV-ARGUMENT...: what it reads is the disk.
is_disk() {
	rm -f out.raw
	imgconv "$@" out.raw || fail "not read: $*"
	cmp disk.raw out.raw || fail "another disk: $*"
}

# refused TEXT IMGCONV-ARGUMENT...: one sentence with TEXT in it, and no target.
refused() {
	local text=$1 got=0

	shift
	imgconv "$@" none.raw 2>said || got=$?
	[ "$got" = 1 ] && grep -qF -- "$text" said && [ "$(wc -l <said)" = 1 ] ||
		fail "$*: exit status $got: $(cat said)"
	[ ! -e none.raw ] || fail "$*: left a target"
}

# Compressed files, whatever they are called.
for tool in gzip xz zstd bzip2 lz4; do
	for image in disk.raw disk.qcow2 disk.vmdk; do
		"$tool" -qc "$image" >packed
		is_disk packed
		is_disk - <packed
	done
done
bsdtar -cf - --lzip --format raw disk.raw >packed && is_disk packed
# Two bytes are no proof: only who names the member gets what is in it.
bsdtar -cf packed -Z --format raw disk.raw && is_disk --member 1 packed && is_disk --member 1 - <packed
imgconv packed out.raw && cmp packed out.raw
bsdtar -cf packed -Z box.ovf disk.raw && is_disk --member disk.raw packed
{ head -c 1M disk.raw | gzip -c; tail -c +1048577 disk.raw | gzip -c; head -c 700 /dev/zero; } >packed
is_disk packed
gzip -c disk.raw | xz -c >packed && is_disk packed && is_disk --member 1 packed

# Archives with one image.
bsdtar -cf box.ova --format ustar box.ovf disk.vmdk && is_disk box.ova && is_disk - <box.ova
bsdtar -czf box.tgz box.ovf disk.qcow2 && is_disk box.tgz && is_disk - <box.tgz
bsdtar -cf box.zip --format zip box.ovf disk.raw && is_disk box.zip && is_disk - <box.zip
bsdtar -cf box.cpio --format newc disk.raw box.ovf && is_disk box.cpio && is_disk - <box.cpio
bsdtar -cf box.7z --format 7zip disk.raw box.ovf && is_disk box.7z && is_disk - <box.7z
gzip -k disk.vmdk && bsdtar -cf nested.ova box.ovf disk.vmdk.gz && is_disk nested.ova
cp --sparse=always disk.raw sparse.raw && tar -cSf sparse.tar sparse.raw && is_disk sparse.tar

# Which of them.
bsdtar -cf two.tar box.ovf disk.qcow2 ./disk.vmdk
refused '(2 "disk.qcow2", 3' two.tar
refused 'is no archive' --member disk.qcow2 disk.qcow2
refused '"d*" means several' --member 'd*' two.tar
refused 'no member "nix"' --member nix two.tar
is_disk --member 2 two.tar
is_disk --member disk.vmdk two.tar
is_disk --member '*.qcow2' two.tar
gzip -k two.tar
refused '(2 "disk.qcow2", 3' two.tar.gz
bsdtar -czf one.tgz disk.raw && is_disk --member 1 one.tgz
refused '--member says which' - <two.tar.gz
is_disk --member disk.qcow2 - <two.tar.gz

# A CD is a disk, and -f raw takes what there is.
bsdtar -cf cd.iso --format iso9660 disk.qcow2
is_disk --member disk.qcow2 cd.iso
imgconv cd.iso out.raw && cmp cd.iso out.raw
imgconv -f raw two.tar.gz out.raw && cmp two.tar.gz out.raw

# In place: the map tells where in the archive.
bsdtar -cf plain.tar --format ustar disk.raw
imgmap --output=json plain.tar | jq -e '.[0].offset == 512' >/dev/null ||
	fail "not read in place: $(imgmap --output=json plain.tar)"
imgcmp -q two.tar box.zip --member 2
imgcmp -q box.ova two.tar --second-member 3
imgcheck -q --member 2 two.tar
imginfo --output=json box.tgz | jq -e '."virtual-size" == 3145728' >/dev/null

# What needs room beyond memory says so, once, and not with -q.
truncate -s 70M zeros.raw
gzip -1c zeros.raw >zeros.raw.gz
TMPDIR=$PWD imgcmp zeros.raw.gz zeros.raw 2>said >out
same "imgcmp: zeros.raw.gz: has to be read out of order: what comes behind 64 MiB is kept in a temporary \
file in $PWD meanwhile" "$(sed 's/^lt-//' said)" "what is said of a temporary file"
# A check that needs the image three times has it unpacked once, of a pipe as well.
TMPDIR=$PWD exits 6 imgcheck --data --for esxi zeros.raw.gz 2>check-said >out
same "$(sed 's/imgcmp/imgcheck/' said | sed 's/^lt-//')" "$(sed 's/^lt-//' check-said)" "what a check says of it"
gzip -c disk.qcow2 | imgcheck -q --data - || fail "a check of what is unpacked from a pipe"
imgcmp -q zeros.raw.gz zeros.raw 2>said
[ ! -s said ] || fail "with -q: $(cat said)"
seq 1500000 >long.raw && bsdtar -cf - long.raw | gzip -1c >long.tgz && imgcmp -q long.tgz long.raw
imgconv zeros.raw.gz zeros.qcow2 2>said
[ ! -s said ] || fail "of what streams: $(cat said)"
