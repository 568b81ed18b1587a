# SPDX-License-Identifier: LGPL-2.1-or-later
# LUKS on raw: qemu-img reads what we write and we what it writes, of version 1; cryptsetup opens both
# versions, and reads the same header out of them as we do.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version
requires qemu-img --version
PATH=$PATH:/usr/sbin:/sbin

printf imgtools >key
printf wrong >wrong
secret=(--object secret,id=s,file=key,format=raw)

# in_qemu FILE: as qemu-img opens it.
in_qemu() {
	echo "driver=luks,key-secret=s,file.filename=$1"
}

# opens FILE WHAT: cryptsetup does, where it is there.
opens() {
	! cryptsetup --version >/dev/null 2>&1 ||
		cryptsetup open --test-passphrase --key-file key "$1" || fail "$2: cryptsetup"
}

# holds FILE DISK WHAT: the disk, for us and, of version 1, for QEMU.
holds() {
	exits 0 imgcheck -q "$1"
	exits 0 imgcmp -q --key-file key "$1" "$2"
	opens "$1" "$3"
	[ "$(imginfo --output=json "$1" | jq '."format-specific".version')" = 1 ] || return 0
	qemu-img convert "${secret[@]}" --image-opts "$(in_qemu "$1")" -O raw seen.raw
	cmp seen.raw "$2" || fail "$3: qemu-img"
}

# Ours, into files and through pipes.
make_disk disk.raw $((3 * mib + 512))
while read -r options; do
	imgconv -o "iter-time=1,$options" --key-file key disk.raw ours.luks
	holds ours.luks disk.raw "$options"
done <<-EOF2
	version=1
	cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,hash-alg=sha1
	cipher-alg=aes-256,cipher-mode=cbc,ivgen-alg=plain64,hash-alg=sha512
	version=2,pbkdf=pbkdf2
	version=2,label=mine
EOF2
imgconv -O luks -o iter-time=1 --key-file key - - <disk.raw | cat >piped.luks
holds piped.luks disk.raw "through pipes"
exits 0 imgconv --key-file key - back.raw < <(cat piped.luks)
cmp back.raw disk.raw || fail "from a pipe"

# QEMU's, and one that both write.
patiently qemu-img create "${secret[@]}" -f luks -o key-secret=s,iter-time=10 theirs.luks $((3 * mib + 512)) >create.txt
qemu-img convert "${secret[@]}" -n --target-image-opts disk.raw "$(in_qemu theirs.luks)"
holds theirs.luks disk.raw "QEMU's"
imgresize --key-file key theirs.luks 4M >resize.txt 2>&1
truncate -s 4M disk.raw
holds theirs.luks disk.raw "QEMU's, grown by us"
imgresize --key-file key --shrink --force theirs.luks 1M >resize.txt 2>&1
truncate -s 1M disk.raw
holds theirs.luks disk.raw "QEMU's, cut by us"

# A disk that ends inside a sector gets zeros behind it.
make_disk odd.raw 1000
imgconv -o iter-time=1 --key-file key odd.raw ours.luks
truncate -s 1024 odd.raw
holds ours.luks odd.raw "1000 bytes"

# Another key, by another way; what is not given, or wrong, is status 5 and one sentence.
imgconv -o iter-time=1 --key-file key --new-key-env NEW theirs.luks other.luks 2>message && fail "no variable"
NEW=wrong imgconv -o iter-time=1 --key-file key --new-key-env NEW theirs.luks other.luks
exits 0 imgcmp -q --key-file wrong --key-file key other.luks disk.raw
exits 0 imgcmp -q --key-fd 3 other.luks disk.raw 3<wrong
echo wrong | exits 0 imgcmp -q --key-file - other.luks disk.raw
exits 5 imgconv other.luks no.raw </dev/null 2>message
same 1 "$(wc -l <message)" "$(cat message)"
exits 5 imgconv --key-file key other.luks no.raw 2>message
same 1 "$(wc -l <message)" "$(cat message)"
exits 5 imgconv -O luks disk.raw no.luks </dev/null 2>message
exits 5 imgcheck -q --data other.luks </dev/null 2>message
ls no.* 2>/dev/null && fail "a target is left"
# What needs no key asks for none.
exits 0 imginfo other.luks >info.txt
same '["encrypted"]' "$(imgmap --output=json other.luks | jq -c 'map(.kind)')" "the map"

# Either copy of a header of version 2, mended from the other.
imgconv -o iter-time=1,version=2,pbkdf=pbkdf2 --key-file key disk.raw two.luks
for at in 100 5000 16400 20000; do
	printf '\377\377\377\377' | dd of=two.luks bs=1 seek=$at conv=notrunc status=none
	exits 2 imgcheck -q two.luks
	exits 0 imgcheck -q --repair --no-undo-file two.luks
	holds two.luks disk.raw "damaged at $at"
done
