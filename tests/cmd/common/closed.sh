# SPDX-License-Identifier: LGPL-2.1-or-later
# Standard input, output and error may be closed: an image that is opened never takes their place, so
# nothing that is said gets into it.
. "$srcdir/tests/functions.sh"

seq 150000 >disk.raw
truncate -s 1M disk.raw
cp disk.raw now.raw
imgconv -f raw disk.raw one.qcow2
imgsnap create one.qcow2 now

# whole: the report of an image that is changed went elsewhere.
whole() {
	cmp -n 1048576 now.raw disk.raw || fail "$* is in the image"
}
imgresize -f raw --dry-run now.raw +1M >&- || :
whole "a plan"
imgresize -f raw now.raw +1M >&- 2>&- || :
whole "a report"

# written IMAGE COMMAND...: with each of the three closed, and with all, it becomes what it was before.
written() {
	local image=$1 want

	shift
	rm -f "$image"
	"$@" >/dev/null 2>&1 </dev/null
	want=$(sha256sum <"$image")
	for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
		rm -f "$image"
		(eval "exec $closed" && exec "$@") >out 2>&1 || :
		same "$want" "$(sha256sum <"$image")" "$* $closed"
	done
}
written t.raw imgconv -p -f raw -O raw disk.raw t.raw
written t.raw imgconv --progress=json -f raw -O raw disk.raw t.raw
written t.vmdk imgconv -p -f raw -O vmdk -o cid=1 --output=json disk.raw t.vmdk
written t.qcow2 imgcompress -p -f raw disk.raw t.qcow2
written t.qcow2 imgcreate t.qcow2 1M
written t.ova imgova create -p --deterministic t.ova disk.raw
written t.raw imgsnap extract -p one.qcow2 now t.raw

printf secret >key
imgcrypt encrypt -p -o iter-time=10 --new-key-file=key -f raw disk.raw t.luks <&- >&- 2>&- || :
imgconv -O raw --key-file=key t.luks t.raw
cmp t.raw disk.raw

# What is to be read from or written to one of them is an error.
exits 1 imgconv -f raw -O raw - t.raw <&- 2>/dev/null
exits 1 imgconv -f raw -O raw disk.raw - >&- 2>/dev/null

# What was to be printed and is lost is an error.
exits 1 imgmap one.qcow2 >&- 2>/dev/null
exits 1 imgcheck one.qcow2 >&- 2>/dev/null
exits 1 imginfo --formats >&- 2>/dev/null
exits 1 imgsnap list one.qcow2 >&- 2>/dev/null
exits 1 imgconv -O qcow2 -o help >&- 2>/dev/null
exits 2 imgcmp -f raw -F qcow2 disk.raw one.qcow2 >&- 2>/dev/null
# Who prints nothing needs none.
imgconv -f raw disk.raw b.qcow2 >&-
imgsnap create b.qcow2 now >&-
imgcreate c.qcow2 1M >&-
imgcmp -q one.qcow2 b.qcow2 >&-
imgcheck -q one.qcow2 >&-
