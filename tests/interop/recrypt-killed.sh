# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcrypt --in-place is killed at some of its writes ($STEP: each so many), and again on its way on:
# nobody reads the image meanwhile, nothing that is to be hidden lies beside it, and the same command
# ends as if nothing had happened.  So it does after writes that fail.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires strace -V
requires jq --version

calls=pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,unlinkat
libtool=$(type -P imgcrypt)
printf one >one
printf two >two
truncate -s $((3 * mib + 100)) disk.raw
place disk.raw 0 text 5000
place disk.raw $mib noise 700000
for at in 4000 2000000; do
	printf 'This is to be hidden.' | dd of=disk.raw seek=$at bs=1 conv=notrunc status=none
done
hash=$(hash_padded disk.raw)

# met INJECTED N ARG...: of imgcrypt; false: there are less than N calls.
met() {
	! strace -f -qq -o trace.txt -e trace=$calls -e "inject=$calls:$1:when=$2" \
		"$libtool" -q -m 1 "${@:3}" 2>/dev/null
}

# nobody_reads VERB: but who goes on with it, which takes a key.
nobody_reads() {
	local sum

	exits 1 imginfo work/image >/dev/null 2>message
	grep -q 'goes on with it' message || fail "$what: $(cat message)"
	exits 1 imgconv -f raw -O raw work/image no.raw 2>/dev/null
	! qemu-img info work/image >/dev/null 2>refusal || fail "$what: QEMU opens it"
	[[ $file != *.qcow2 ]] || grep -q 'half done by imgcrypt' refusal || fail "$what: $(cat refusal)"
	imgcrypt list --output=json work/image | jq -e '.done == false' >/dev/null || fail "$what: list"
	sum=$(sha256sum work/*)
	printf wrong | exits 5 imgcrypt -q "$1" --in-place --key-file=- work/image 2>message
	same "$sum" "$(sha256sum work/*)" "$what: a wrong key changes something"
}

# goes INJECTED STEP FIRST FILE VERB ARG...: with keys, the first is that which reads the image then.
goes() {
	local injected=$1 step=${STEP-$2} n=$3 file=$4 going=true pending=0
	local key=$5 verb=$6 args=("${@:7}")

	while $going; do
		what="$file, $verb ${args[*]}: $injected at call $n"
		rm -rf work
		mkdir work
		cp "$file" work/image
		met "$injected" "$n" "$verb" --in-place "${args[@]}" work/image || going=false
		if [ -e work/image.recrypt ] && ! imginfo work/image >/dev/null 2>&1; then
			pending=$((pending + 1))
			# The last step of an image with tables is a change at once, which needs no key.
			[ $((pending % 3)) != 2 ] || [ -e work/image.journal ] || nobody_reads "$verb"
			[ "$verb" = decrypt ] || ! grep -qa 'to be hidden' work/image.recrypt ||
				fail "$what: what is to be hidden is in the journal"
			met signal=KILL $((n % 5 + 3)) "$verb" --in-place "${args[@]}" work/image || true
		fi
		if [ -e work/image.recrypt ] || $going; then
			again
		fi
		same image "$(cd work && ls)" "$what: the files"
		[[ $file != *.qcow2 ]] || imgcheck -q work/image || fail "$what: imgcheck finds something"
		imgconv -q --key-file="$key" -O raw work/image seen.raw
		same "$hash" "$(hash_padded seen.raw)" "$what: another disk"
		n=$((n + step))
	done
	[ $pending -gt 0 ] || fail "$file, $verb: only $pending times was anything pending"
}

# again: the same command; where all was done before the last call it says that there is nothing to do.
again() {
	imgcrypt -q "$verb" --in-place "${args[@]}" work/image 2>message ||
		grep -q 'encrypted already\|not encrypted' message || fail "$what: $(cat message)"
}

cp disk.raw one.luks
imgcrypt -q encrypt -f raw --in-place --key-file=one -o iter-time=1 one.luks
goes signal=KILL 17 5 disk.raw one encrypt --key-file=one -o iter-time=1
goes signal=KILL 17 6 one.luks one decrypt --key-file=one
goes signal=KILL 17 7 one.luks two reencrypt --key-file=one --key-file=two --new-key-file=two -o iter-time=1
goes error=ENOSPC 19 15 one.luks two reencrypt --key-file=one --key-file=two --new-key-file=two \
	-o version=2,pbkdf=pbkdf2,iter-time=1

# Where the disk is a part of the file: its clusters and those of a snapshot, a header inside.
imgconv -q disk.raw disk.qcow2
imgsnap -q create disk.qcow2 before
cp disk.qcow2 one.qcow2
imgcrypt -q encrypt --in-place --key-file=one -o iter-time=1 one.qcow2
goes signal=KILL 29 5 disk.qcow2 one encrypt --key-file=one -o iter-time=1
goes signal=KILL 31 6 one.qcow2 one decrypt --key-file=one
# Compressed clusters become plain ones before anything is pending.
imgconv -q -c disk.raw packed.qcow2
imgsnap -q create packed.qcow2 before
goes signal=KILL 31 3 packed.qcow2 one encrypt --key-file=one -o iter-time=1
goes signal=KILL 37 7 one.qcow2 two reencrypt --key-file=one --key-file=two --new-key-file=two -o iter-time=1
imgconv -q -O qcow2 --key-file=one -o encrypt.format=aes disk.raw aes.qcow2 2>/dev/null
# No header tells which key is the right one to go on with.
rm -rf work
mkdir work
cp aes.qcow2 work/image
met signal=KILL 19 decrypt --in-place --key-file=one work/image || fail "it was not killed"
[ -e work/image.recrypt ] || fail "nothing is pending of the old encryption"
printf wrong | exits 5 imgcrypt -q decrypt --in-place --key-file=- work/image 2>/dev/null
imgcrypt -q decrypt --in-place --key-file=one work/image
imgconv -q -O raw work/image seen.raw
same "$hash" "$(hash_padded seen.raw)" "another disk behind the old encryption"
goes error=ENOSPC 47 15 one.qcow2 two reencrypt --key-file=one --key-file=two --new-key-file=two \
	-o iter-time=1

# No room for it: found out before anything is changed.
for n in 1 2; do
	cp disk.raw full
	strace -f -qq -o trace.txt -e trace=fallocate -e inject=fallocate:error=ENOSPC:when=$n \
		"$libtool" -q encrypt --in-place --key-file=one full 2>message &&
		fail "it goes on without room"
	grep -q 'No space left' message || fail "$(cat message)"
	cmp full disk.raw || fail "no room, and the image was changed"
	[ ! -e full.recrypt ] || fail "no room, and something is left beside the image"
done

# All is done and only what lay beside it is still there: then the image is one, and another verb can follow.
cp disk.raw whole
strace -f -qq -o trace.txt -e trace=$calls "$libtool" -q -m 1 encrypt --in-place --key-file=one -o iter-time=1 whole
last=$(grep -c pwrite64 trace.txt) met=0
for n in $((last - 20)) $((last - 1)); do
	cp disk.raw whole
	met signal=KILL $n encrypt --in-place --key-file=one -o iter-time=1 whole || true
	[ -e whole.recrypt ] && imginfo whole >/dev/null 2>&1 || continue
	met=$((met + 1))
	imgcrypt -q decrypt --in-place --key-file=one whole
	same "$hash" "$(hash_padded whole)" "decrypted behind an encryption that was whole"
	[ ! -e whole.recrypt ] || fail "something is left beside the image"
done
[ $met = 2 ] || fail "it was never killed while it took away what lies beside the image"

# What was begun under a name of the user's goes on, too; what somebody else has there stays.
cp disk.raw named
in_place=(imgcrypt -q encrypt --in-place --journal=record --key-file=one -o iter-time=1 named)
printf '\0\0\0\0\0\0\0\0mine' >record
exits 1 "${in_place[@]}" 2>message
grep -q mine record || fail "a file that the user has named is gone"
rm record
for call in pwrite64 ftruncate fdatasync; do
	strace -f -qq -o trace.txt -e trace=$call -e inject=$call:signal=KILL:when=1 \
		"$libtool" "${in_place[@]:1}" 2>/dev/null || true
	[ -e record ] || fail "it was not killed at the first $call"
done
"${in_place[@]}"
[ ! -e record ] || fail "the journal is left"
imgconv -q --key-file=one -O raw named seen.raw
same "$hash" "$(hash_padded seen.raw)" "another disk, with a journal that has a name"
