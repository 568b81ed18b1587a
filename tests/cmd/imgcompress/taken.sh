# SPDX-License-Identifier: LGPL-2.1-or-later
# What is compressed already in the way of the new image is moved as it is: between images of each
# format that compresses; not when it differs in anything, and not when it is damaged and looked at.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires jq --version

{ seq 60000; dd if=/dev/urandom bs=64k count=4 status=none; } >disk.raw
truncate -s 2M disk.raw
seq 90000 | dd of=disk.raw bs=64k seek=40 conv=notrunc status=none
truncate -s 4000256 disk.raw

# taken SOURCE NEW ARG...: bytes that were moved as they are, of the same disk.
taken() {
	imgcompress --output=json "${@:3}" "$1" "$2" | jq .taken
	imgcmp -q disk.raw "$2" || fail "another disk: $*"
}

# moves SOURCE NEW ARG...: nearly all that is compressed is moved, and from there all, byte for byte.
moves() {
	local got

	got=$(taken "$@")
	[ "$got" -ge 900000 ] || fail "$got bytes are moved from $1 to $2"
	imgcompress "${@:3}" --threads=3 "$2" "again/$2"
	cmp "$2" "again/$2"
}

mkdir again
qemu-img convert -c -O qcow2 disk.raw qemu.qcow2
qemu-img convert -c -O qcow2 -o compression_type=zstd disk.raw qemu-zstd.qcow2
qemu-img convert -O vmdk -o subformat=streamOptimized disk.raw qemu.vmdk
imgcompress --codec=lz4 disk.raw lz4.cloop

moves qemu.qcow2 a.qcow2
moves qemu-zstd.qcow2 b.qcow2 --codec=zstd
moves qemu.vmdk c.vmdk -o cid=12345678
moves lz4.cloop d.cloop --codec=lz4
qemu-img check -q a.qcow2
qemu-img check -q b.qcow2
for new in a.qcow2 b.qcow2 c.vmdk; do
	qemu-img compare -q disk.raw $new || fail "qemu-img sees another disk: $new"
done
imgconv -c qemu.qcow2 conv.qcow2
cmp a.qcow2 conv.qcow2
imgconv -c --digest=sha256 qemu.qcow2 digest.qcow2 >report
cmp a.qcow2 digest.qcow2
grep -qF "$(sha256sum disk.raw | cut -d ' ' -f 1)" report || fail "$(cat report)"

# Behind an overlay that hides half of a cluster.
qemu-img create -q -f qcow2 -o cluster_size=4k -b qemu.qcow2 -F qcow2 top.qcow2
qemu-io -c 'write -P 7 68k 8k' top.qcow2 >/dev/null
imgcompress -o cluster_size=64k top.qcow2 flat.qcow2
qemu-img compare -q top.qcow2 flat.qcow2 || fail "another disk through an overlay"

# Another codec, other units, another window, a level, or because it is asked for.
same 0 "$(taken qemu.qcow2 e.qcow2 --codec=zstd)" "another codec"
same 0 "$(taken qemu.qcow2 f.qcow2 -o cluster_size=128k)" "larger units"
same 0 "$(taken qemu.qcow2 g.qcow2 -o deflate_window=12)" "for readers with a small window"
same 0 "$(taken qemu.qcow2 h.qcow2 --level=3)" "with a level"
same 0 "$(taken qemu.qcow2 i.qcow2 --recode)" "if it is not wanted"
same 0 "$(taken qemu.vmdk j.qcow2)" "with another frame"
same 0 "$(taken lz4.cloop k.cloop)" "another codec of cloop"

# Zeros that were compressed are zeros again.
imgcompress disk.raw zeros.qcow2
qemu-io -c 'write -c -P 0 2176k 64k' zeros.qcow2 >/dev/null
imgmap --output=json zeros.qcow2 | jq -e '.[] | select(.start == 2228224).compressed' >/dev/null
imgcompress zeros.qcow2 l.qcow2
[ "$(qemu-img map --output=json l.qcow2 | jq '[.[] | select(.start <= 2228224 and
	.start + .length > 2228224)][0].zero')" = true ] || fail "compressed zeros stay"

# Damage is moved with the rest, unless somebody looks.
printf '\377\377\377\377' | dd of=qemu.qcow2 bs=1 seek=$((5 * 65536 + 20000)) conv=notrunc status=none
imgcompress qemu.qcow2 damaged.qcow2
exits 1 imgcompress --recode damaged.qcow2 no.qcow2 2>err
for option in --verify --recode; do
	exits 1 imgcompress $option qemu.qcow2 no.qcow2 2>err
	grep -q "qemu.qcow2: compressed .*: the deflate data " err || fail "$option: $(cat err)"
done
exits 1 imgconv -c --digest=sha256 qemu.qcow2 no.qcow2 2>err
exits 4 imgconv -c --salvage qemu.qcow2 rest.qcow2 2>err >losses
[ ! -e no.qcow2 ] || fail "left behind"
