# SPDX-License-Identifier: LGPL-2.1-or-later
# Pipes that end badly: a full device, a reader that leaves, a source cut short, a terminal.  Each
# is an error, and nothing is left behind.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

make_disk disk.raw $((11 * mib + 12345))
imgconv disk.raw image.qcow2
imgconv -c disk.raw packed.qcow2
mkdir temporary work
export TMPDIR=$workdir/temporary
cd work

for source in disk.raw image.qcow2; do
	for how in '-O raw' '-O qcow2' '-c -O qcow2'; do
		# shellcheck disable=SC2086
		exits 1 imgconv ../$source $how - 2>message.txt >/dev/full
		[ -s message.txt ] || fail "no message: $source $how to a full device"
		rm message.txt
		# shellcheck disable=SC2086
		statuses=$( (set +o pipefail
			imgconv ../$source $how - 2>message.txt | head -c 100 >/dev/null
			echo "${PIPESTATUS[0]}"))
		[ "$statuses" != 0 ] || fail "$source $how: success although the reader left"
		rm message.txt
		only_files
	done
done

# A qcow2 that ends too early on a pipe is as incomplete as one in a file.
for image in image.qcow2 packed.qcow2; do
	head -c $(($(stat -c %s ../$image) / 2)) ../$image >../cut
	cat ../cut | exits 4 imgconv - out.raw 2>../message.txt
	grep -q 'end of the file\|file ends' ../message.txt || fail "$(cat ../message.txt)"
	only_files
done

: | imgconv -f raw - empty.qcow2
same 0 "$(imgconv empty.qcow2 -O raw - | wc -c)" "an empty pipe is an empty disk"
rm empty.qcow2

requires script --version
for how in raw qcow2; do
	status=0
	script -qec "imgconv ../disk.raw -O $how -" ../typescript >/dev/null </dev/null || status=$?
	[ $status = 1 ] || fail "status $status when writing $how to a terminal"
	grep -q terminal ../typescript || fail "the message does not speak of a terminal"
done
only_files
same "" "$(ls ../temporary)" "temporary files are left"
