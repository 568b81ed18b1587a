# SPDX-License-Identifier: LGPL-2.1-or-later
# Archives that no program makes, and ones that end anywhere: one sentence that names the place, its exit
# status, no target, and little memory.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/imgconv/refused.sh"
requires bsdtar --version
requires lz4 --version
requires python3 --version

python3 "$srcdir/tests/cmd/imgconv/hostile_archives.py"
# Sanitizers reserve all that there is.
[ "${SANITIZER-}" ] || ulimit -v 400000

# Sizes that cannot be: of members, of lists, of what is packed, of windows.
refused 1 'negative.tar: its first member cannot be read' negative.tar
refused 4 'huge.tar: cannot be read behind member 1' huge.tar
refused 1 'no-number.tar' no-number.tar
refused 4 'pax-size.tar: cannot be read behind member 1' pax-size.tar
refused 1 'pax-negative.tar: its first member cannot be read' pax-negative.tar
refused 1 'member 1, "disk.raw": cannot be unpacked' longer.zip
refused 1 'member 1, "disk.raw": cannot be unpacked' shorter.zip
refused 1 'member 1, "disk.raw": cannot be unpacked' most.zip
refused 1 'member 1, "disk.raw": cannot be unpacked' beyond.zip
refused 4 'member 1, "disk.raw": cannot be unpacked' stored.zip
refused 4 'astray.zip: its first member cannot be read' astray.zip
refused 1 'files.7z: its first member cannot be read' files.7z
refused 1 'packed.7z: ' packed.7z
refused 1 'size.7z: ' size.7z
refused 1 'noise.7z: its first member cannot be read' noise.7z
refused 1 'list-bomb.7z: its list of members has 20971622 bytes, more than' list-bomb.7z
refused 1 'list-long.7z: its list of members has' list-long.7z
refused 1 'long-name.cpio: takes more than the 8388608 bytes' long-name.cpio
refused 1 'folder.iso: takes more than the 8388608 bytes' --member 1 folder.iso
refused 1 'name.cpio: its first member cannot be read' name.cpio
refused 63 'dictionary.xz: needs more than' dictionary.xz
refused 1 'window.zst: cannot be unpacked at offset 0' window.zst
refused 1 'dictionary.lz: cannot be unpacked at offset 0' dictionary.lz

# Maps of sparse files: backward, over each other, beyond the end, and to the end of all numbers.
refused 1 'has bytes at offset 0, behind which' map-backward.tar
refused 1 'has bytes at offset 512, behind which' map-overlap.tar
refused 1 'has 4608 bytes, and should have 2048' map-beyond.tar
refused 1 'bytes, and 1099511627776 are allowed' map-endless.tar
refused 4 'has 0 bytes of the 2048' map-huge.tar

# What ends too early.
refused 4 'cut.zip: ' cut.zip
refused 4 'cut.7z: ends at offset 9000, before its list of members does, which begins at offset 20512' cut.7z
refused 4 'cut-list.7z: ends at offset' cut-list.7z
refused 4 'beyond.7z: ends at offset' beyond.7z
refused 4 'list-size.7z: ends at offset' list-size.7z
refused 4 'head.7z: ends at offset 20, within its header' head.7z
refused 4 'cut.cpio: ' cut.cpio
bsdtar -cf whole.iso --format iso9660 disk.raw
head -c 50000 whole.iso >cut.iso && refused 4 'cut.iso: its first member cannot be read' --member 1 cut.iso
head -c 70000 whole.iso >cut.iso && refused 4 'cut.iso: ' --member disk.raw cut.iso
lz4 -qc disk.raw >whole
head -c -9 whole >cut && refused 4 'cut: cannot be unpacked' cut
bsdtar -cf whole --lzip --format raw disk.raw
for less in 9 100; do
	head -c -$less whole >cut && refused 4 'cut: cannot be unpacked' cut
done

# Neither links nor devices have bytes, whatever is behind their headers; folders that contain themselves end.
refused 1 'without a file' hard.tar
refused 1 'hard-bytes.tar: ' hard-bytes.tar
refused 1 'without a file' pax-link.tar
refused 1 'without a file' link.zip
refused 1 'without a file' device.tar
refused 1 'is no file' --member 2 device.tar
refused 1 'loop.iso: ' --member '*' loop.iso
refused 1 'members that there is room for' --member none crowd.iso

# Names are names, however they are told: nothing is made or read where they point to.
for archive in absolute.tar pax-path.tar through.tar; do
	imgconv --member '*[wd]' $archive out.raw && cmp disk.raw out.raw
done
imgconv --member '../../elsewhere/evil.raw' pax-path.tar out.raw
[ ! -e ../../elsewhere ] || fail "a name was a path"

# Which member is meant, where that is not clear.
echo >text && echo >more
bsdtar -cf texts.tar text more && refused 1 'holds several files (1 "text", 2 "more"), of which none' texts.tar
bsdtar -cf text.tar text && cat text.tar | refused 1 'holds one file (1 "text"), which does not look' -
refused 1 'no member "x", but no files at all' --member x device.tar
refused 1 'no member ""' --member '' text.tar
refused 1 'holds several images (1 "again.raw", 2 "again.raw", ' many.tar
grep -q '[0-9]* "again.raw", \.\.\.); ' said || fail "more names than there is room for: $(cat said)"

# Few bytes that become many, in an archive and around one; and archives in archives.
refused 1 'has 67108864 bytes, and 1048576 are allowed' --max-size 1M bomb.zip
cat streamed.zip | refused 1 'more than the 1048576 bytes' --max-size 1M --member 1 -
gzip -c bomb.zip >bomb.zip.gz && refused 1 'has 67108864 bytes, and 1024 are allowed' --max-size 1k bomb.zip.gz
refused 63 'packed more than 6 times' nested.tar
