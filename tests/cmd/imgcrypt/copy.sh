# SPDX-License-Identifier: LGPL-2.1-or-later
# encrypt and decrypt make new images: which format they get, and which key; what makes no sense is
# refused before anything is written.
. "$srcdir/tests/functions.sh"
requires jq --version

printf first >first
printf second >second
seq 1 100000 >disk.raw
truncate -s 1M disk.raw
imgconv disk.raw disk.qcow2

# format_of FILE
format_of() {
	imginfo --output=json "$1" | jq -r .format
}

# There and back, in the format of the source.
imgcrypt encrypt -o iter-time=1 --new-key-file=first disk.raw raw.new
same luks "$(format_of raw.new)" "an encrypted raw image"
imgcrypt encrypt -o encrypt.iter-time=1 --key-file=first disk.qcow2 qcow2.new
same qcow2 "$(format_of qcow2.new)" "an encrypted qcow2 image"
for image in raw.new qcow2.new; do
	exits 0 imgcmp -q --key-file=first $image disk.raw
	exits 5 imgcmp -q --key-file=second $image disk.raw 2>message
	! grep -qa '^99999$' $image || fail "$image: text shows"
	imgcrypt decrypt --key-file=first $image back.new
	exits 0 imgcmp -q back.new disk.raw
	same "$([ $image = raw.new ] && echo raw || echo qcow2)" "$(format_of back.new)" "decrypted"
done

# Another key and another format at once; pipes.
imgcrypt encrypt -o iter-time=1 --key-file=first --new-key-file=second qcow2.new other.luks
exits 0 imgcmp -q --key-file=second other.luks disk.raw
imgcrypt encrypt -O luks -o iter-time=1 --key-file=first - - <disk.raw | cat >piped.luks
imgcrypt decrypt --key-file=first -O raw - - < <(cat piped.luks) | cmp - disk.raw

# refused STATUS WHAT...
refused() {
	exits "$1" imgcrypt "${@:2}" </dev/null 2>message
	[ -s message ] || fail "no reason is given: ${*:2}"
	[ ! -e no.luks ] && [ ! -e no.vdi ] && [ ! -e no.raw ] || fail "a target is left: ${*:2}"
}
refused 5 encrypt disk.raw no.luks
refused 5 decrypt raw.new no.raw
refused 63 encrypt --key-file=first disk.raw no.vdi
refused 1 decrypt --key-file=first -O luks raw.new no.luks
refused 1 decrypt --key-file=first -O qcow2 -o encrypt.format=luks raw.new no.raw
refused 1 encrypt --key-file=first disk.raw disk.raw
ln first same-key
refused 1 encrypt -O luks --key-file=first disk.raw same-key
refused 1 decrypt -O raw --key-file=first raw.new ./first
same first "$(cat first)" "the key"
refused 1 decrypt --key-file=first --new-key-file=second raw.new no.raw
refused 1 list -O raw raw.new

# A key for a new image that nobody asked to encrypt is a mistake, and not a plain image.
exits 1 imgconv --new-key-file=first -O qcow2 disk.raw plain.qcow2 2>message
grep -q 'no option says that the image is to be encrypted' message || fail "$(cat message)"
[ ! -e plain.qcow2 ] || fail "a plain image was made"

# The plain copy of an encrypted image never takes its place; what an encrypted one would take needs no key.
exits 1 imgcompress --key-file=first qcow2.new 2>message
grep -q 'it is encrypted, and a compressed image cannot be' message || fail "$(cat message)"
imgcompress -q --key-file=first qcow2.new compressed.qcow2
exits 0 imgcmp -q compressed.qcow2 disk.raw
same "$(stat -c %s raw.new)" "$(imgmeasure -O luks --output=json disk.raw | jq .required)" "measured"
same "$(stat -c %s raw.new)" "$(imgmeasure -O luks --output=json qcow2.new | jq .required)" "measured"
