# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcrypt --in-place --header: the header is a file of its own, in front of no disk; cryptsetup opens it, and
# QEMU reads the disk with it.  Killed at some writes it goes on with that header alone.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires cryptsetup --version
requires strace -V

calls=pwrite64,ftruncate,fallocate,fdatasync,unlinkat
libtool=$(type -P imgcrypt)
printf one >one
printf two >two
truncate -s $((3 * mib + 100)) disk.raw
place disk.raw 0 text 5000
place disk.raw $mib noise 700000
printf 'This is to be hidden.' | dd of=disk.raw seek=4000 bs=1 conv=notrunc status=none
hash=$(hash_padded disk.raw)

# they_read KEY
they_read() {
	same "head image key" "$(cd work && echo ./* | sed 's,\./,,g')" "$what: the files"
	cryptsetup open --test-passphrase --key-file "$1" --header work/head work/image ||
		fail "$what: cryptsetup does not open it"
	! grep -qa 'to be hidden' work/image || fail "$what: text shows"
	imgconv -q --key-file="$1" --header=work/head -O raw work/image seen.raw
	same "$hash" "$(hash_padded seen.raw)" "$what: another disk"
	# QEMU wants it in front: so does the header of a copy say, in 512 bytes.
	(cat work/head && head -c $((2 * mib - $(stat -c %s work/head))) /dev/zero && cat work/image) >attached
	printf '\0\0\020\0' | dd of=attached bs=1 seek=104 conv=notrunc status=none
	qemu-img convert --object "secret,id=s,file=$1" --image-opts driver=luks,key-secret=s,file.filename=attached \
		-O raw seen.raw
	same "$hash" "$(hash_padded seen.raw)" "$what: another disk for QEMU"
}

in_place() {
	imgcrypt -q "$1" --in-place --header=work/head "${@:2}" work/image || fail "$*"
}

# refused STATUS ARG...: and nothing is changed.
refused() {
	local sum

	sum=$(cd work && sha256sum ./*)
	exits "$1" imgcrypt -q "${@:2}" work/image 2>message </dev/null
	[ -s message ] || fail "no reason is given: ${*:2}"
	same "$sum" "$(cd work && sha256sum ./*)" "${*:2}: something was changed"
}

mkdir work
touch work/key
cp disk.raw work/image
what=encrypted
in_place encrypt --new-key-file=one -o iter-time=1
they_read one
same 600 "$(stat -c %a work/head)" "who can read the header"
refused 1 encrypt --in-place --header=work/head --key-file=one
grep -q 'exists already' message || fail "$(cat message)"
refused 5 decrypt --in-place --header=work/head --key-file=two
refused 1 decrypt --in-place --header=work/key --key-file=one
what=reencrypted
cp work/head before
in_place reencrypt --key-file=one --new-key-file=two -o version=2,pbkdf=pbkdf2,iter-time=1
cryptsetup open --test-passphrase --key-file two --header work/head work/image || fail "LUKS2: cryptsetup"
in_place reencrypt --key-file=two -o iter-time=1
they_read two
exits 5 imgconv -q --key-file=one --header=work/head -O raw work/image seen.raw 2>/dev/null
same "$(stat -c %s before)" "$(stat -c %s work/head)" "the length of the header"
what=decrypted
in_place decrypt --key-file=two
same "$hash" "$(hash_padded work/image)" "decrypted"
[ ! -s work/head ] || fail "the header is still there"
qemu-img create -q -f qcow2 work/image 1M
refused 1 encrypt --in-place --header=work/head --key-file=one

# The header of what it once was in front of.
cp disk.raw image
imgcrypt -q encrypt -f raw --in-place --key-file=one -o iter-time=1 image
rm work/head
imgcrypt -q header-backup image work/head
cp image work/image
refused 63 decrypt --in-place --header=work/head --key-file=one
rm image

# goes STEP FIRST START VERB ARG...: killed at some calls, from the folder START on.
goes() {
	local n=$2 killed=0

	while true; do
		what="$4: killed at call $n"
		rm -rf work
		cp -r "$3" work
		touch work/key
		! strace -f -qq -o trace.txt -e trace=$calls -e "inject=$calls:signal=KILL:when=$n" "$libtool" -q -m 1 \
			"$4" --in-place --header=work/head "${@:5}" work/image 2>/dev/null || break
		if [ -e work/image.recrypt ] && ! imginfo -f raw work/image >/dev/null 2>&1; then
			killed=$((killed + 1))
			! imgconv -q --key-file=one --header=work/head -O raw work/image no.raw 2>/dev/null ||
				fail "$what: it opens"
			refused 1 "$4" --in-place "${@:5}"
			refused 1 "$4" --in-place --header=one "${@:5}"
		fi
		imgcrypt -q "$4" --in-place --header=work/head "${@:5}" work/image 2>message ||
			grep -q 'exists already\|not encrypted' message || fail "$what: $(cat message)"
		[ ! -e work/image.recrypt ] || fail "$what: something is left beside the image"
		if [ "$4" = decrypt ]; then
			same "$hash" "$(hash_padded work/image)" "$what: another disk"
			[ ! -s work/head ] || fail "$what: the header is still there"
		else
			they_read one
		fi
		n=$((n + $1))
	done
	[ $killed -gt 1 ] || fail "$4: only $killed times was anything pending"
}

mkdir plain encrypted
cp disk.raw plain/image
cp disk.raw encrypted/image
imgcrypt -q encrypt -f raw --in-place --header=encrypted/head --key-file=one -o iter-time=1 encrypted/image
goes ${STEP-6} 4 plain encrypt -f raw --key-file=one -o iter-time=1
goes ${STEP-6} 4 encrypted reencrypt --key-file=one -o iter-time=1
goes ${STEP-6} 4 encrypted decrypt --key-file=one
