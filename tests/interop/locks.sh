# SPDX-License-Identifier: LGPL-2.1-or-later
# An image that QEMU has open is respected: refused while it is written to, -U reads it anyway.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires qemu-io --version

# hold OPTION...: QEMU opens an image and keeps it open until `release`.
hold() {
	rm -f commands held.txt
	mkfifo commands
	qemu-io "$@" <commands >held.txt 2>&1 &
	holder=$!
	exec 7>commands
	echo 'length' >&7
	for _ in $(seq 100); do
		! grep -q MiB held.txt || return 0
		sleep 0.05
	done
	fail "QEMU did not open: $(cat held.txt)"
}

release() {
	echo quit >&7
	exec 7>&-
	wait $holder
}

make_disk disk.raw $((11 * mib))
qemu-img convert -f raw -O qcow2 disk.raw image.qcow2
want=$(hash_of cat disk.raw)

for image in image.qcow2 disk.raw; do
	format=${image##*.}
	hold -f "$format" $image
	exits 1 imgconv $image out.raw 2>message.txt
	grep -qi 'lock\|in use\|another' message.txt || fail "no reason is given: $(cat message.txt)"
	[ ! -e out.raw ] || fail "a target is left"
	exits 1 imginfo $image >/dev/null 2>&1
	exits 1 imgmap $image >/dev/null 2>&1
	exits 2 imgcmp $image disk.raw >/dev/null 2>&1
	exits 1 imgconv -n disk.raw $image -O raw 2>/dev/null
	same "$want" "$(hash_content $image -U)" "-U reads $image"
	imginfo -U $image >/dev/null
	release

	hold -r -f "$format" $image
	same "$want" "$(hash_content $image)" "readers share $image"
	exits 1 imgconv -n disk.raw $image -O raw 2>/dev/null
	release
done

# The other way round: QEMU cannot write to what we read.
mkfifo slow
imgconv image.qcow2 -O raw - >slow &
reader=$!
exec 8<slow
head -c 100 <&8 >/dev/null
! qemu-io -c 'write 0 64k' image.qcow2 >message.txt 2>&1 ||
	! grep -q 'wrote' message.txt || fail "QEMU writes to an image that is being read"
cat <&8 >/dev/null
wait $reader
