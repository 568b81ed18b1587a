# SPDX-License-Identifier: LGPL-2.1-or-later
# Archives that are damaged, cut off or made to do harm: one sentence, an exit status, no target.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/imgconv/refused.sh"
requires bsdtar --version
requires zstd --version

seq 200000 >disk.raw
truncate -s 2M disk.raw

# spoil FILE OFFSET-FROM-END: changes one byte.
spoil() {
	printf '\252' | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - $2)) conv=notrunc status=none
}

# Checksums are looked at, and what is cut off is no disk.
for tool in gzip xz zstd bzip2; do
	"$tool" -qc disk.raw >whole
	[ "$tool" != zstd ] || zstd -qc --check disk.raw >whole
	cp whole spoilt && spoil spoilt 6 && refused 1 'spoilt: ' spoilt
	head -c -9 whole >cut && refused 4 'cut: ' cut
	head -c 3000 whole >cut && refused 4 'cut: ' cut
done
gzip -c disk.raw >behind && echo more >>behind && refused 1 'behind: ' behind

bsdtar -cf whole.zip --format zip disk.raw
cp whole.zip spoilt.zip && printf '\252' | dd of=spoilt.zip bs=1 seek=5000 conv=notrunc status=none
refused 1 'member 1, "disk.raw"' spoilt.zip
bsdtar -cf stored.zip --format zip --options zip:compression=store disk.raw
printf '\252' | dd of=stored.zip bs=1 seek=5000 conv=notrunc status=none
refused 1 'member 1, "disk.raw"' stored.zip
bsdtar -cf whole.tar disk.raw && head -c 100000 whole.tar >cut.tar && refused 4 'cut.tar: ' cut.tar
gzip -c cut.tar >cut.tar.gz && refused 4 'member 1, "disk.raw"' cut.tar.gz
{ cat whole.tar; head -c 3M /dev/zero; } | gzip -c >spoilt.tgz && spoil spoilt.tgz 6
refused 1 'spoilt.tgz: cannot be unpacked' spoilt.tgz
refused 1 'spoilt.tgz: cannot be unpacked' --member 1 spoilt.tgz
bsdtar -cf secret.zip --format zip --options zip:encryption=traditional --passphrase x disk.raw
refused 63 'encrypted' secret.zip

# Names are not paths, and links are no files.
mkdir in && cp disk.raw in/evil.raw
tar -cf evil.tar -P --transform 's,in/,../../../,' in/evil.raw
imgconv evil.tar out.raw && cmp disk.raw out.raw
ln -s /etc/passwd link.raw && tar -cf link.tar link.raw
refused 1 'without a file' link.tar
refused 1 'is no file' --member 1 link.tar

# Few bytes that become many, and packets in packets.
head -c 64M /dev/zero | zstd -qc >bomb
refused 1 'more than the 1048576 bytes' --max-size 1M bomb
cp disk.raw deep && for i in 1 2 3 4 5 6 7; do gzip -c deep >deeper && mv deeper deep; done
refused 63 'packed more than' deep
truncate -s 8T huge.raw && tar -cSf huge.tar huge.raw
refused 1 'bytes, and ' huge.tar

# A compressed file is not a disk to write to, nor one to be made an image of where it lies.
exits 63 imgresize whole.zip 4M 2>said && grep -q 'cannot be written in place' said
gzip -c disk.raw >kept && cp kept kept.gz
exits 1 imgconv --in-place -O qcow2 kept.gz 2>said && grep -q 'something compressed' said
cmp kept kept.gz
