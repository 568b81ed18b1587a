# SPDX-License-Identifier: LGPL-2.1-or-later
# The header of a LUKS image as a file of its own.  cryptsetup enciphers and deciphers data of version
# 2 itself, and qemu-img reads those of version 1 once the header is put in front of them.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version
PATH=$PATH:/usr/sbin:/sbin
requires cryptsetup --version

printf imgtools >key
quick=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)

# holds HEADER DATA DISK: the disk, for us, and the key opens it for cryptsetup.
holds() {
	exits 0 imgcmp -q --key-file key --header "$1" "$2" "$3"
	exits 0 imgcheck -q --header "$1" "$2"
	cryptsetup open --test-passphrase --key-file key --header "$1" "$2" || fail "cryptsetup: $1"
	same "$(stat -c %s "$3")" "$(imginfo --output=json --header "$1" "$2" | jq '."virtual-size"')" "$1"
}

# Ours, by way of both programs.
make_disk disk.raw $((3 * mib))
for version in 1 2; do
	imgconv -O luks -o "version=$version,pbkdf=pbkdf2,iter-time=1,header=ours.$version" \
		--key-file key disk.raw "data.$version"
	same "$(stat -c %s disk.raw)" "$(stat -c %s "data.$version")" "the data alone"
	holds "ours.$version" "data.$version" disk.raw
done
cp ours.2 their.2 && cp data.2 their-data.2
cryptsetup -q reencrypt --decrypt --force-offline-reencrypt --key-file key --header their.2 \
	their-data.2
cmp their-data.2 disk.raw || fail "deciphered by cryptsetup"
(head -c 4M ours.1 && head -c $((4 * mib - $(stat -c %s ours.1))) /dev/zero && cat data.1) >one.luks
printf '\0\0\040\0' | dd of=one.luks bs=1 seek=104 conv=notrunc status=none
qemu-img convert --object secret,id=s,file=key,format=raw --image-opts \
	driver=luks,key-secret=s,file.filename=one.luks -O raw seen.raw
cmp seen.raw disk.raw || fail "deciphered by qemu-img"

# Theirs.
for cipher in aes-xts-plain64 aes-cbc-essiv:sha256; do
	cp disk.raw theirs
	rm -f theirs.header
	cryptsetup -q reencrypt --encrypt --type luks2 "${quick[@]}" -c $cipher -s 256 \
		--force-offline-reencrypt --key-file key --header theirs.header theirs
	! cmp -s theirs disk.raw || fail "cryptsetup has enciphered nothing"
	holds theirs.header theirs disk.raw
done

# Another size, and an image as a whole.
for version in 1 2; do
	cp disk.raw sized.raw
	for size in 5M 2M; do
		truncate -s $size sized.raw
		imgresize --key-file key --header ours.$version --shrink --force data.$version $size \
			>resize.txt 2>&1
		holds ours.$version data.$version sized.raw
	done
done
imgcrypt decrypt --key-file key --header ours.2 data.2 plain.raw
cmp plain.raw sized.raw || fail "decrypt"
imgcrypt encrypt -o header=new.header,iter-time=1 --key-file key plain.raw new.data
holds new.header new.data sized.raw

# The header alone says what it is, and is no disk.
for header in ours.1 ours.2; do
	exits 0 imginfo --output=json $header >info 2>message
	same 0 "$(jq '."virtual-size"' info)" "the disk of a header"
	grep -q 'the header is that of data in another file' message || fail "$(cat message)"
	exits 0 imgcheck --output=json $header >check
	same luks.data.apart "$(jq -r '.findings[].id' check)" "$header"
	exits 63 imgconv --key-file key -O raw $header no.raw 2>message
	exits 0 imgcrypt -q test --key-file key $header
done
printf '\377\377' | dd of=ours.2 bs=1 seek=5000 conv=notrunc status=none
exits 2 imgcheck -q --header ours.2 data.2
exits 0 imgcheck -q --repair --no-undo-file ours.2
holds ours.2 data.2 sized.raw

# No header is overwritten, nor taken for another one's.
refused() {
	exits "$1" "${@:2}" 2>message
	[ -s message ] || fail "no reason is given: ${*:2}"
	[ ! -e no.data ] && [ ! -e no.raw ] || fail "a target is left: ${*:2}"
}
cp ours.1 before
refused 1 imgconv -O luks -o header=ours.1,iter-time=1 --key-file key disk.raw no.data
refused 1 imgconv -O luks -o header=./no.data,iter-time=1 --key-file key disk.raw no.data
refused 1 imgconv --header ours.1 --key-file key data.1 ours.1
refused 1 imgconv --header ours.1 --in-place data.1 no.data
refused 1 imgconv --header ours.1 -f qcow2 data.1 no.raw
refused 1 imgconv --header disk.raw --key-file key data.1 no.raw
refused 5 imgconv --header ours.1 data.1 no.raw </dev/null
refused 1 imgcheck --header ours.1 --repair data.1
cmp before ours.1 || fail "the header is another one"
