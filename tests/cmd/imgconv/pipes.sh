# SPDX-License-Identifier: LGPL-2.1-or-later
# "-" reads and writes raw and qcow2; content is the same whichever way it goes, and what is said of it is
# said of the pipe, not of the temporary file in front of it.
. "$srcdir/tests/functions.sh"

dd if=/dev/urandom of=disk.raw bs=1M count=3 status=none
truncate -s 20M disk.raw
dd if=/dev/urandom of=disk.raw bs=4k seek=4000 count=7 conv=notrunc status=none

imgconv disk.raw -O qcow2 - | imgconv - -O raw - | cmp - disk.raw
imgconv disk.raw -O qcow2 -c - | imgconv - -O raw - | cmp - disk.raw
cat disk.raw | imgconv - from-pipe.qcow2
imgcmp disk.raw from-pipe.qcow2 >/dev/null
cat disk.raw | imgconv - -O qcow2 - | imgcmp - disk.raw >/dev/null
cat disk.raw | imgconv - -O raw - | cmp - disk.raw
imgconv disk.raw -O raw - >plain.raw
cmp plain.raw disk.raw

# warned NAME ARG...: of imgconv, to a pipe; by that name, it is a weak encryption.
printf secret >key
warned() {
	imgconv --key-file=key -O qcow -o encrypt.format=aes disk.raw "${@:2}" 2>message | cat >weak
	grep -q "warning: $1: it is encrypted" message || fail "${*:2}: $(cat message)"
}
warned "standard output" -
warned "standard output" --filter=gzip -
warned "standard output" --tar -
mkfifo pipe
cat pipe >weak & reader=$!
warned pipe pipe
wait $reader
imgcmp -q --key-file=key weak disk.raw
