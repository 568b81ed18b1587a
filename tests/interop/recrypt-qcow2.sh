# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcrypt --in-place of qcow2 images, judged by QEMU: the disk, its snapshot and the counts, with clusters
# of several sizes, above a backing file, from the encryption before LUKS.  What cannot be done changes
# nothing.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires qemu-io --version
requires jq --version

printf one >one
printf two >two
secrets=(--object secret,id=one,file=one --object secret,id=two,file=two)
truncate -s $((6 * mib)) disk.raw
place disk.raw 0 text 5000
place disk.raw $mib noise 1500000
for at in 4000 3000000; do
	printf 'This is to be hidden.' | dd of=disk.raw seek=$at bs=1 conv=notrunc status=none
done

# opened KEY: how QEMU opens the image; KEY is -: it is not encrypted.
opened() {
	echo "driver=qcow2,file.filename=image$([ "$1" = - ] || echo ",encrypt.key-secret=$1")"
}

# holds KEY WHAT: QEMU finds the image sound, and in it now.raw and, if there is one, before.raw.
holds() {
	[ ! -e image.recrypt ] && [ ! -e image.journal ] || fail "$2: something is left beside the image"
	qemu-img check -q "${secrets[@]}" --image-opts "$(opened "$1")" || fail "$2: qemu-img check"
	imgcheck -q image || fail "$2: imgcheck"
	qemu-img compare -q "${secrets[@]}" --image-opts "$(opened "$1")" \
		driver=raw,file.filename=now.raw || fail "$2: another disk"
	[ -e before.raw ] || return 0
	qemu-img convert "${secrets[@]}" --image-opts -l before -O raw "$(opened "$1")" seen.raw
	cmp seen.raw before.raw || fail "$2: another snapshot"
}

# writes KEY: QEMU writes to the image, and to what it is compared with.
writes() {
	local commands=(-c 'write -P 3 2M 200k' -c 'write -P 4 5000000 700' -c 'write -z 1M 64k')

	qemu-io "${secrets[@]}" "${commands[@]}" --image-opts "$(opened "$1")" >/dev/null
	qemu-io -f raw "${commands[@]}" now.raw >/dev/null
}

for options in compat=0.10 cluster_size=512 extended_l2=on,cluster_size=16k; do
	qemu-img convert -O qcow2 -o "$options" disk.raw image
	cp disk.raw before.raw
	cp disk.raw now.raw
	qemu-img snapshot -c before image
	writes -
	# A place that is in no use, in which what was in clear would stay.
	printf 'This is to be hidden.' >>image

	imgcrypt -q encrypt --in-place --new-key-file=one -o iter-time=1 image
	holds one "$options, encrypted"
	! grep -qa 'to be hidden' image || fail "$options: text shows"
	writes one
	imgcrypt -q reencrypt --in-place --key-file=one --new-key-file=two \
		-o iter-time=1,cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv image
	exits 5 imgcrypt -q test --key-file=one image 2>/dev/null
	holds two "$options, with another key"
	imgcrypt -q reencrypt --in-place --key-file=two -o iter-time=1,cipher-mode=ecb image
	holds two "$options, without IVs"
	writes two
	imgcrypt -q decrypt --in-place --key-file=two image
	holds - "$options, decrypted"
	writes -
	holds - "$options, written to"
	qemu-img info image >info.txt
	! grep -q imgcrypt info.txt || fail "a mark is left: $(cat info.txt)"
done

# refused STATUS ARG...: and the image is what it was.
refused() {
	local sum

	sum=$(sha256sum image)
	exits "$1" imgcrypt -q "${@:2}" --in-place image 2>message </dev/null
	[ -s message ] || fail "no reason is given: ${*:2}"
	same "$sum" "$(sha256sum image)" "${*:2}: the image was changed"
	[ ! -e image.recrypt ] || fail "${*:2}: something is left beside the image"
}
refused 1 decrypt --key-file=one
refused 63 encrypt --key-file=one -o version=2

# What was the encryption before LUKS: no header tells which key is the right one.
cp disk.raw now.raw
for verb in decrypt reencrypt; do
	imgconv -q -O qcow2 --key-file=one -o encrypt.format=aes disk.raw image 2>/dev/null
	imgsnap -q create image before 2>/dev/null
	cp disk.raw before.raw
	refused 5 $verb --key-file=two
	refused 1 encrypt --key-file=one
	if [ $verb = decrypt ]; then
		imgcrypt -q decrypt --in-place --key-file=one image
		holds - "old encryption, decrypted"
	else
		imgcrypt -q reencrypt --in-place --key-file=one --new-key-file=two -o iter-time=1 image
		holds two "old encryption, now LUKS"
	fi
done

# Only what the image itself holds is enciphered; bitmaps and the name of what it stands on stay.
rm image before.raw
qemu-img create -q -f qcow2 -F raw -b disk.raw image
qemu-img bitmap --add image changes
cp disk.raw now.raw
writes -
imgcrypt -q encrypt --in-place --key-file=one -o iter-time=1 image
holds one "above a backing file"
same '["changes","disk.raw"]' "$(qemu-img info --output=json image |
	jq -c '[."format-specific".data.bitmaps[0].name, ."backing-filename"]')" "bitmap and backing file"
refused 5 decrypt --key-file=two

# Compressed clusters become plain ones first, and what they were does not stay behind, also beside a cluster
# that is shared.
for options in cluster_size=512 compression_type=zstd extended_l2=on,cluster_size=16k; do
	qemu-img convert -c -O qcow2 -o "$options" disk.raw image
	cp disk.raw before.raw
	cp disk.raw now.raw
	qemu-img snapshot -c before image
	writes -
	LC_ALL=C grep -ao '[!-~]\{9,\}' <(tail -c +70000 image) >words
	[ -s words ] || fail "$options: nothing to look for"
	most=$(imgcrypt encrypt --in-place --dry-run --output=json image | jq .after)
	imgcrypt -q encrypt --in-place --new-key-file=one -o iter-time=1 image
	holds one "$options, compressed and encrypted"
	[ "$(stat -c %s image)" -le "$most" ] || fail "$options: the file is longer than was told"
	! grep -qaFf words image || fail "$options: compressed bytes show"
	writes one
	holds one "$options, compressed, encrypted and written to"
done
rm before.raw

# One of them is damaged: nobody has to read it now, and the image stays what it was, in clear.
qemu-img convert -c -O qcow2 disk.raw image
head -c 5000 /dev/zero | tr '\0' '\377' | dd of=image seek=400000 bs=1 conv=notrunc status=none
refused 1 encrypt --key-file=one
grep -q "cluster at offset" message || fail "$(cat message)"

rm image
qemu-img create -q -f qcow2 -o data_file=data image 1M
refused 63 encrypt --key-file=one
