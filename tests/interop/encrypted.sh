# SPDX-License-Identifier: LGPL-2.1-or-later
# Encrypted qcow and qcow2 images: what we write qemu-img reads with the key, what it writes we read,
# and images that both write stay sound through snapshots, other sizes, and moved clusters.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires qemu-io --version

printf 'correct horse' >key
printf 'wrong horse' >wrong
secret="--object secret,id=s,file=key"
luks=encrypt.format=luks,encrypt.iter-time=1

# image_opts FILE: as QEMU's tools take an encrypted image of the format of its name.
image_opts() {
	echo "driver=${1##*.},encrypt.key-secret=s,file.filename=$1"
}

# sealed FILE DISK WHAT: clean, and holds the raw disk for who has the key; nobody else sees its text.
sealed() {
	if [ "${1##*.}" = qcow2 ]; then
		qemu-img check $secret --image-opts "$(image_opts "$1")" >check.txt 2>&1 ||
			fail "$3: $(cat check.txt)"
	fi
	imgcheck -q "$1" || fail "$3: imgcheck"
	qemu-img convert $secret --image-opts "$(image_opts "$1")" -O raw seen.raw
	same "$(hash_padded "$2")" "$(hash_of cat seen.raw)" "$3: as qemu-img reads it"
	same "$(hash_of cat seen.raw)" "$(hash_content "$1" --key-file=key)" "$3: as we do"
	! grep -qa '^123456$' "$1" || fail "$3: text shows"
}

# made_by_qemu FILE OPTIONS: of disk.raw; the shortest search for iterations may find none.
made_by_qemu() {
	rm -f "$1"
	patiently qemu-img convert -f raw -O "${1##*.}" $secret -o "$2,encrypt.key-secret=s" disk.raw "$1"
}

make_disk disk.raw $((11 * mib + 512))
grep -qa '^123456$' disk.raw || fail "the disk has no text"
while read -r file options; do
	imgconv --new-key-file=key -o "$options" disk.raw "$file"
	sealed "$file" disk.raw "ours, $options"
	rm -f "$file" data
done <<-EOF2
	image.qcow2 $luks
	image.qcow2 $luks,cluster_size=512,compat=0.10
	image.qcow2 $luks,encrypt.cipher-alg=aes-128,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv
	image.qcow2 $luks,encrypt.cipher-mode=ecb,cluster_size=4k
	image.qcow2 $luks,encrypt.hash-alg=sha512,extended_l2=on,preallocation=metadata
	image.qcow2 $luks,data_file=data
	image.qcow2 encrypt.format=aes
	image.qcow encrypt.format=aes
	image.qcow encrypt.format=aes,cluster_size=512
EOF2
imgconv --new-key-file=key -O qcow2 -o $luks disk.raw - | cat >pipe.qcow2
sealed pipe.qcow2 disk.raw "through a pipe"
# Behind the end of a disk are zeros, whoever makes it longer.
cp pipe.qcow2 longer.qcow2
cp disk.raw longer.raw
qemu-img resize -q $secret --image-opts "$(image_opts longer.qcow2)" $((12 * mib))
truncate -s $((12 * mib)) longer.raw
sealed longer.qcow2 longer.raw "made longer by qemu-img"
for options in encrypt.format=luks,encrypt.iter-time=10 encrypt.format=aes \
	encrypt.format=luks,encrypt.iter-time=10,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv; do
	made_by_qemu image.qcow2 $options
	sealed image.qcow2 disk.raw "QEMU's, $options"
done
made_by_qemu image.qcow encrypt.format=aes
sealed image.qcow disk.raw "QEMU's qcow"

imgconv --key-file=key image.qcow copy.raw 2>message
imgconv --key-file=key -o encrypt.format=aes copy.raw copy.qcow2 2>>message
same 2 "$(grep -c 'warning.*weak' message)" "warnings of the old encryption"

# Keys: none, the wrong one, several, and none where none is needed.
exits 5 imgconv pipe.qcow2 no.raw 2>message
exits 5 imgconv --key-file=wrong pipe.qcow2 no.raw 2>>message
same 2 "$(grep -c . message)" "one sentence for each"
exits 5 imgconv -o $luks disk.raw no.qcow2 2>message
[ ! -e no.raw ] && [ ! -e no.qcow2 ] || fail "a target is left"
imgconv --key-file=wrong --key-file=key pipe.qcow2 -O raw - | cmp - seen.raw
imginfo --output=json pipe.qcow2 | grep -q '"luks": {' || fail "imginfo does not tell of LUKS"
imgmap pipe.qcow2 | grep -q ' encrypted ' || fail "imgmap does not tell of encryption"
for options in "-o encrypt.iter-time=1" "-o encrypt.format=aes,encrypt.iter-time=1" "-c -o $luks" "-o $luks,data_file=d,data_file_raw=on" \
	"-o $luks,compat=0.10,preallocation=metadata"; do
	# shellcheck disable=SC2086
	exits 1 imgconv --new-key-file=key $options disk.raw no.qcow2 2>/dev/null
done

# Both write: QEMU at random places, then we with what an overlay has; the disk is that of the twin.
for options in $luks $luks,cluster_size=4k,extended_l2=off encrypt.format=aes; do
	rm -f image.qcow2 top.qcow2
	imgconv --new-key-file=key -o $options disk.raw image.qcow2
	qemu-io $secret --image-opts "$(image_opts image.qcow2)" -c 'write -P 7 1M 300k' \
		-c 'write -P 8 9000512 1024' -c 'write -z 5M 200k' -c 'discard 2M 64k' >/dev/null
	qemu-img convert $secret --image-opts "$(image_opts image.qcow2)" -O raw twin.raw
	sealed image.qcow2 twin.raw "QEMU writes, $options"
	qemu-img create -q -u -f qcow2 -b image.qcow2 -F qcow2 top.qcow2 $((11 * mib + 512))
	for ((at = 12345; at < 11 * mib; at += 1234567)); do
		place twin.raw $at noise 3000
		place twin.raw $((at + 700000)) text 200000
	done
	imgconv -q --key-file=key -B image.qcow2 -F qcow2 twin.raw top.qcow2
	imgsnap commit -q --key-file=key top.qcow2
	sealed image.qcow2 twin.raw "we write, $options"
done

# Snapshots and other sizes need no key where nothing is enciphered anew.
for options in $luks $luks,cluster_size=4k encrypt.format=aes; do
	rm -f image.qcow2
	imgconv --new-key-file=key -o $options disk.raw image.qcow2
	imgsnap create -q image.qcow2 before
	qemu-io $secret --image-opts "$(image_opts image.qcow2)" -c 'write -P 7 3M 2M' >/dev/null
	imgsnap apply -q --discard-current --key-file=key image.qcow2 before
	sealed image.qcow2 disk.raw "back, $options"
	imgsnap delete -q image.qcow2 before
	qemu-io $secret --image-opts "$(image_opts image.qcow2)" -c 'write -z -u 0 2M' >/dev/null
	qemu-img convert $secret --image-opts "$(image_opts image.qcow2)" -O raw twin.raw
	before=$(stat -c %s image.qcow2)
	imgresize -q --key-file=key --shrink --force --compact image.qcow2 $((9 * mib + 512))
	truncate -s $((9 * mib + 512)) twin.raw
	sealed image.qcow2 twin.raw "shorter and moved, $options"
	[ "$(stat -c %s image.qcow2)" -lt $((before - mib)) ] || fail "nothing has moved, $options"
	imgresize -q --key-file=key --force image.qcow2 --preallocation=metadata $((20 * mib))
	truncate -s $((20 * mib)) twin.raw
	sealed image.qcow2 twin.raw "longer, $options"
done
