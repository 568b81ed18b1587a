# SPDX-License-Identifier: LGPL-2.1-or-later
# An image that has a second name is not changed by way of a journal: only one of the names would lead to it.
. "$srcdir/tests/functions.sh"

# refused IMAGE COMMAND...: IMAGE, which is as it was then, is the last word of the command.
refused() {
	local image=$1 status=0

	shift
	ln "$image" other
	sha256sum "$image" >was
	"$@" "$image" 2>err || status=$?
	same 1 "$status" "the status of $1"
	grep -q 'has other names' err || fail "$1 says: $(cat err)"
	sha256sum -c --quiet was || fail "$1 has changed it"
	[ ! -e "$image.journal" ] || fail "$1 has left a journal"
	rm other
}

imgcreate -q disk.qcow2 1M
imgcreate -q disk.vmdk 1M
change() {
	imgsnap create "$1" now
}
grow() {
	imgresize -q "$1" 2M
}
refused disk.qcow2 change
refused disk.qcow2 grow
refused disk.vmdk imgamend -q -o adapter_type=lsilogic
imgsnap create disk.qcow2 now
imgsnap list disk.qcow2 | grep -qw now || fail "with one name there is no snapshot either"
