# SPDX-License-Identifier: LGPL-2.1-or-later
# The LUKS header that qemu-img writes into a qcow2 image is found to be right, and where it is
# damaged imgcheck finds an error exactly where qemu-img no longer opens the image.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires python3 --version
requires jq --version

secret="--object secret,id=s,data=abc"

# make_image CLUSTER: with the shortest search for the number of iterations, which may find none.
make_image() {
	# shellcheck disable=SC2086
	patiently qemu-img create -q $secret -f qcow2 -o encrypt.format=luks,encrypt.key-secret=s \
		-o "encrypt.iter-time=10,cluster_size=$1" good.qcow2 3M
}

# put OFFSET HEX: a damaged copy; the offset is that in the LUKS header.
put() {
	cp good.qcow2 bad.qcow2
	python3 - "$1" "$2" <<'PY'
import sys
with open("bad.qcow2", "r+b") as f:
    start = f.read().index(b"LUKS\xba\xbe")
    f.seek(start + int(sys.argv[1]))
    f.write(bytes.fromhex(sys.argv[2]))
PY
}

# opens FILE: what qemu-img does, as the exit status that imgcheck should have.
opens() {
	# shellcheck disable=SC2086
	if qemu-img info $secret --image-opts \
		"driver=qcow2,file.filename=$1,encrypt.key-secret=s" >/dev/null 2>&1; then
		echo 0
	else
		echo 2
	fi
}

for cluster in 4k 64k; do
	make_image $cluster
	imgcheck -q --output=json good.qcow2 | jq -c '.findings[]' >out
	same "" "$(cat out)" "what is wrong with a good image"
	while read -r at bytes what; do
		put "$at" "$bytes"
		# qemu-img info does without the keys; what it wants is the header.
		expected=$(opens bad.qcow2)
		exits "$expected" imgcheck bad.qcow2 >out
		[ "$expected" = 0 ] || grep -q 'error: .*qcow2\.crypt\.' out || fail "$what: $(cat out)"
	done <<-'EOF'
		0 00			magic
		7 02			version
		8 00			no cipher
		40 00			no mode
		72 00			no hash
		104 00000000		payload in the header
		164 00000000		no iterations of the digest
		208 00ac71f4		state of slot 0
		256 0000deae		state of slot 1
		212 00000000		no iterations of slot 0
		260 00000000		no iterations of slot 1, which is not active
		252 00000000		no stripes in slot 0
		300 00000f9f		3999 stripes in slot 1
		248 00000000		key of slot 0 in the header
		248 00000001		key of slot 0 in the header's second sector
		248 00000100		key of slot 0 inside that of slot 1
		296 00ffffff		key of slot 1 far away
		584 00000fd0		key of slot 7 in the encrypted data
		168 00			no UUID
		112 ff			another digest
	EOF
done

# No slot is active: legal, and of no use.
put 208 0000dead
exits 0 imgcheck bad.qcow2 >out
grep -q 'note: .*qcow2\.crypt\.no-key' out || fail "$(cat out)"
