# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcrypt --in-place: what others make of the image afterwards, which keys open it, and that nothing is
# left of what was to be hidden; what cannot be done changes nothing.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires cryptsetup --version
requires jq --version

printf one >one
printf two >two
truncate -s $((3 * mib + 100)) disk.raw
place disk.raw 0 text 5000
place disk.raw $mib noise 1500000
place disk.raw $((3 * mib)) text 100
# The second one lies where nothing but zeros will be, between the header and the disk.
for at in 4000 2100000; do
	printf 'This is to be hidden.' | dd of=disk.raw seek=$at bs=1 conv=notrunc status=none
done
hash=$(hash_padded disk.raw)
cp disk.raw image

# in_place VERB ARG...: of image; only the image is left.
in_place() {
	imgcrypt -q "$1" --in-place "${@:2}" image || fail "$*"
	[ ! -e image.recrypt ] || fail "$*: something is left beside the image"
}

# they_read KEY: QEMU does, what is the disk; cryptsetup opens it, too.
they_read() {
	cryptsetup open --test-passphrase --key-file "$1" image || fail "$1: cryptsetup does not open it"
	imgcheck -q image || fail "$1: imgcheck finds something"
	imgconv -q --key-file="$1" -O raw image seen.raw
	same "$hash" "$(hash_padded seen.raw)" "$1: another disk"
	[ "$(imgcrypt list --output=json image | jq .version)" = 1 ] || return 0
	qemu-img convert --object "secret,id=s,file=$1" --image-opts \
		driver=luks,key-secret=s,file.filename=image -O raw seen.raw
	same "$hash" "$(hash_padded seen.raw)" "$1: another disk for QEMU"
}

# unknown KEY: it does not open the image.
unknown() {
	exits 5 imgcrypt -q test --key-file="$1" image 2>/dev/null
}

in_place encrypt --new-key-file=one -o iter-time=1
they_read one
unknown two
! grep -qa 'to be hidden' image || fail "text shows"

# A key of its own, another cipher; with more or less room for the header.
in_place reencrypt --key-file=one --new-key-file=two -o iter-time=1,cipher-mode=cbc,ivgen-alg=essiv
they_read two
unknown one
same cbc-essiv:sha256 "$(imgcrypt list --output=json image | jq -r '."cipher-mode"')" "the cipher"
from=$(imgcrypt list --output=json image | jq '."payload-offset"')
in_place reencrypt --key-file=two -o version=2,pbkdf=pbkdf2,iter-time=1,sector-size=512
they_read two
[ "$(imgcrypt list --output=json image | jq '."payload-offset"')" -gt "$from" ] ||
	fail "the disk did not move"
in_place reencrypt --key-file=two --new-key-file=one -o iter-time=1
they_read one
in_place decrypt --key-file=one
same "$hash" "$(hash_padded image)" "decrypted"
[ $(($(stat -c %b disk.raw) + 8)) -ge "$(stat -c %b image)" ] || fail "there are no holes any more"

# Images of others, and a volume that ends before its file does.
patiently qemu-img create -q -f luks --object secret,id=s,file=two -o key-secret=s,iter-time=10 image 3145728
qemu-img convert -n --object secret,id=s,file=two --target-image-opts -f raw disk.raw -O luks \
	driver=luks,key-secret=s,file.filename=image 2>/dev/null ||
	patiently qemu-img convert -f raw -O luks --object secret,id=s,file=two -o key-secret=s,iter-time=10 \
		disk.raw image
in_place reencrypt --key-file=two --new-key-file=one -o iter-time=1
they_read one
in_place decrypt --key-file=one
same "$hash" "$(hash_padded image)" "QEMU's image, decrypted"

# refused STATUS ARG...: and the image is what it was.
refused() {
	local sum

	sum=$(sha256sum image)
	exits "$1" imgcrypt -q "${@:2}" image 2>message </dev/null
	[ -s message ] || fail "no reason is given: ${*:2}"
	same "$sum" "$(sha256sum image)" "${*:2}: the image was changed"
	[ ! -e image.recrypt ] || fail "${*:2}: something is left beside the image"
}
refused 1 decrypt --in-place --key-file=one
refused 1 reencrypt --in-place --key-file=one
refused 5 encrypt --in-place
refused 1 encrypt --in-place --new-key-file=one -o sector-size=4096
in_place encrypt --key-file=one -o iter-time=1
refused 1 encrypt --in-place --key-file=one
refused 1 encrypt -f raw --in-place --key-file=one
refused 5 decrypt --in-place --key-file=two
refused 5 reencrypt --in-place --key-file=two --new-key-file=one
rm image
qemu-img create -q -f vdi image 1M
refused 63 encrypt --in-place --key-file=one
truncate -s 4000 image
refused 1 encrypt -f raw --in-place --key-file=one

# What it will take is known before; the disk is sparse, and will not be.
truncate -s 0 image
truncate -s 32M image
imgcrypt encrypt --in-place --dry-run --output=json image >plan.json
same '[false,33554432,50331648]' "$(jq -c '[.done, .before, .after]' plan.json)" "the plan"
[ "$(jq '."space-needed"' plan.json)" -lt $((52 * mib)) ] || fail "more space than it will fill"
imgcrypt encrypt --in-place --key-file=one -o iter-time=1 image
same 50331648 "$(stat -c %s image)" "the length"
imgcrypt reencrypt --in-place --dry-run --key-file=one --output=json image >plan.json
[ "$(jq '."space-needed"' plan.json)" -lt $((20 * mib)) ] || fail "reencrypt needs more than its journal"
