# SPDX-License-Identifier: LGPL-2.1-or-later
# Without a second name the image itself gets smaller, and nothing but smaller: it keeps its disk, its
# owner and permissions, and those that stand on it; it is not touched if anything would be lost.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires jq --version
requires qemu-io --version
requires xz --version

seq 200000 >disk.raw
truncate -s 3M disk.raw
imgconv disk.raw disk.qcow2
chmod 640 disk.qcow2
mkdir elsewhere
ln -s ../disk.qcow2 elsewhere/link.qcow2
imgcreate -b disk.qcow2 top.qcow2
before=$(stat -c %s disk.qcow2)

imgcompress --output=json elsewhere/link.qcow2 >report
same elsewhere/link.qcow2 "$(jq -r .target report)" "the name in the report"
same 640 "$(stat -c %a disk.qcow2)" "permissions"
[ -L elsewhere/link.qcow2 ] || fail "the link has become a file"
[ "$(stat -c %s disk.qcow2)" -lt $((before / 2)) ] || fail "it is not smaller"
qemu-img check -q disk.qcow2
qemu-img compare -q disk.raw disk.qcow2 || fail "another disk"
imgcmp -q disk.raw top.qcow2 || fail "another disk for those that stand on it"

# A second time nothing is gained, and nothing happens.
stat -c '%i %Y %s' disk.qcow2 >was
imgcompress disk.qcow2 2>err
grep -q "disk.qcow2: stays as it is" err || fail "$(cat err)"
stat -c '%i %Y %s' disk.qcow2 | cmp was -

# keeps STATUS TEXT IMAGE ARG...: refused with that sentence, and the image is as it was.
keeps() {
	local status=$1 text=$2
	shift 2

	sha256sum "$1" >was
	exits "$status" imgcompress "$@" 2>err
	grep -qF -- "$1: $text" err || fail "$*: $(cat err)"
	sha256sum -c --quiet was
	[ -z "$(ls ./*.part 2>/dev/null)" ] || fail "left behind: $(ls)"
}

imgconv disk.raw new.qcow2
exits 1 imgcompress -U new.qcow2 2>err
grep -q -- "--force-share needs a name for the new one" err || fail "$(cat err)"
keeps 1 "is not replaced: it is raw, and would be qcow2" disk.raw
keeps 1 "is not replaced: it is qcow2, and would be cloop" new.qcow2 -O cloop
imgconv -c -o compression_level=1 disk.raw ours.cloop
imgcompress --level=12 ours.cloop
imgcmp -q disk.raw ours.cloop || fail "another disk in cloop"
imgconv -O qcow disk.raw base.qcow
imgcreate -b base.qcow top.qcow
keeps 1 "is not replaced: it stands on another image" top.qcow
xz -k new.qcow2
keeps 1 "is not replaced: the image is in it, packed" new.qcow2.xz
tar -cf new.tar new.qcow2
keeps 1 "is not replaced: the image is in it, packed" new.tar
rm new.qcow2.xz new.tar
imgconv disk.raw new.vmdk
keeps 1 "is not replaced: a compressed VMDK image is of another kind" new.vmdk
imgcreate -q -o encrypt.format=luks,encrypt.iter-time=10 --key-file disk.raw locked.qcow2 1M
exits 5 imgcompress locked.qcow2 2>err
[ "$(grep -o locked.qcow2 err | wc -l)" = 1 ] || fail "the name is not there once: $(cat err)"
ln new.qcow2 other.qcow2
keeps 1 "is not replaced: it has other names" new.qcow2
rm other.qcow2

# By who may not write to it, or cannot give the copy its owner.
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
chmod 711 .
if "${nobody[@]}" imgcompress --version >/dev/null 2>&1; then
	mkdir open
	chmod 777 open
	imgconv disk.raw open/own.qcow2
	chmod 444 open/own.qcow2
	for why in "it may not be written to" "it belongs to somebody else"; do
		sha256sum open/own.qcow2 >was
		exits 1 "${nobody[@]}" imgcompress open/own.qcow2 2>err
		grep -qF "is not replaced: $why" err || fail "$(cat err)"
		sha256sum -c --quiet was
		chmod 666 open/own.qcow2
	done
	chown 65534:65534 open/own.qcow2
	"${nobody[@]}" imgcompress -q open/own.qcow2
	same 65534:65534 "$(stat -c %u:%g open/own.qcow2)" "the owner"
fi

# Snapshots, bitmaps and what it stands on: all of it is in the copy that takes its place.
seq 300000 >part
imgcreate -b disk.qcow2 full.qcow2
qemu-io -c "write -s part 0 1M" full.qcow2 >/dev/null
imgconv full.qcow2 one.raw
qemu-img snapshot -c one full.qcow2
qemu-io -c "write -s part 1280k 1M" full.qcow2 >/dev/null
imgconv full.qcow2 two.raw
imgbitmap --add full.qcow2 changes
keeps 1 "is not replaced: with -o, --dedup" full.qcow2 --dedup
keeps 1 "" full.qcow2 --codec zstd
before=$(stat -c %s full.qcow2)
imgcompress --output=json full.qcow2 >report
same full.qcow2 "$(jq -r .target report)" "the name in the report"
same 0 "$(jq .taken report)" "the report has what the schema wants"
[ "$(stat -c %s full.qcow2)" -lt $((before * 2 / 3)) ] || fail "it is not smaller with its snapshot"
qemu-img check -q full.qcow2
qemu-img compare -q two.raw full.qcow2 || fail "another disk with snapshots"
qemu-img convert -l one -O raw full.qcow2 out.raw
cmp one.raw out.raw
qemu-img info --output=json full.qcow2 >info
same disk.qcow2 "$(jq -r '."backing-filename"' info)" "what it stands on"
same changes "$(jq -r '."format-specific".data.bitmaps[0].name' info)" "its bitmap"
# Damage, wherever it shows, leaves all as it is.
qemu-img convert -c -O qcow2 disk.raw bad.qcow2
printf '\377\377\377\377' | dd of=bad.qcow2 bs=1 seek=$((5 * 65536 + 20000)) conv=notrunc status=none
keeps 1 "" bad.qcow2 --recode

# Somebody has it open for writing.
mkfifo commands
qemu-io new.qcow2 <commands >held 2>&1 &
holder=$!
exec 7>commands
echo length >&7
for _ in $(seq 100); do
	! grep -q MiB held || break
	sleep 0.05
done
exits 1 imgcompress new.qcow2 2>err
grep -qi 'lock\|in use\|another' err || fail "$(cat err)"
echo quit >&7
exec 7>&-
wait $holder
imgcompress -q new.qcow2
