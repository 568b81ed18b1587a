# SPDX-License-Identifier: LGPL-2.1-or-later
# The power is cut while imgcrypt --in-place works, at some moments ($CUTS of each verb, drawn from $SEED): the
# same command goes on, whatever of what was not synced is lost.
. "$srcdir/tests/functions.sh"
requires strace -V
requires python3 --version
[ -z "${SANITIZER:-}" ] || skip "what is synced is the same in the normal build"

# In memory, where it is there: what a sync does is not the question.
if [ -w /dev/shm ]; then
	fast=$(mktemp -d /dev/shm/imgtools-test.XXXXXX)
	cleanup_fn rm -rf "$fast"
	cd "$fast"
fi

printf one >one
mkdir plain encrypted
seq 1 300000 >plain/image
truncate -s 2097252 plain/image
cp plain/image encrypted/image
imgcrypt -q encrypt -f raw --in-place --key-file=one -o iter-time=1 encrypted/image
truncate -s %512 plain/image
hash=$(sha256sum <plain/image | cut -d ' ' -f 1)

# is_cut FOLDER VERB ARG...
is_cut() {
	python3 "$srcdir/tests/interop/power.py" "$1" "${CUTS-4}" "${SEED-1}" "$hash" \
		"imgconv -q --key-file=../one -O raw image -" -- \
		imgcrypt -q -m 1 "$2" --in-place --key-file=../one "${@:3}" image || fail "$*"
}
is_cut plain encrypt -f raw -o iter-time=1
is_cut encrypted decrypt
is_cut encrypted reencrypt -o iter-time=1
is_cut encrypted reencrypt -o version=2,pbkdf=pbkdf2,iter-time=1

# Where the disk is a part of the file, with a snapshot.
rm -rf plain encrypted
mkdir plain encrypted
seq 1 120000 >disk.raw
truncate -s 1M disk.raw
hash=$(sha256sum <disk.raw | cut -d ' ' -f 1)
imgconv -q -O qcow2 disk.raw plain/image
imgsnap -q create plain/image before
cp plain/image encrypted/image
imgcrypt -q encrypt --in-place --key-file=one -o iter-time=1 encrypted/image
is_cut plain encrypt -o iter-time=1
is_cut encrypted decrypt
is_cut encrypted reencrypt -o iter-time=1

# Compressed clusters become plain ones first.
mkdir packed
imgconv -q -c -O qcow2 disk.raw packed/image
imgsnap -q create packed/image before
is_cut packed encrypt -o iter-time=1
