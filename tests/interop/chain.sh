# SPDX-License-Identifier: LGPL-2.1-or-later
# Backing chains: mixed formats, layers shorter and longer than what is below, depth 100, loops.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

# agree IMAGE
agree() {
	qemu-img convert -O raw "$1" want.raw
	same "$(hash_of cat want.raw)" "$(hash_content "$1")" "content of $1"
}

# over NAME BACKING FORMAT [SIZE]
over() {
	qemu-img create -q -f qcow2 -b "$2" -F "$3" "$1" ${4-}
}

make_disk base.raw $((11 * mib))
over first.qcow2 base.raw raw
qemu-io -c 'write -P 1 1M 500k' -c 'write -z 2M 300k' first.qcow2 >/dev/null
agree first.qcow2

over shorter.qcow2 first.qcow2 qcow2 3M
agree shorter.qcow2
over longer.qcow2 first.qcow2 qcow2 20M
agree longer.qcow2
over "a name, with commas" shorter.qcow2 qcow2 9M
agree "a name, with commas"

mkdir below
cp first.qcow2 below/
cp base.raw below/
over relative.qcow2 below/first.qcow2 qcow2
agree relative.qcow2
same "$(hash_content relative.qcow2)" "$(cd / && hash_content "$workdir/relative.qcow2")" \
	"names are relative to the image that holds them"

previous=base.raw format=raw
for i in $(seq 1 100); do
	over "deep-$i.qcow2" "$previous" $format
	[ $((i % 9)) != 0 ] ||
		qemu-io -c "write -P $i $((i * 64))k 64k" "deep-$i.qcow2" >/dev/null
	previous=deep-$i.qcow2 format=qcow2
done
agree deep-100.qcow2
same 101 "$(imginfo --chain --output=json deep-100.qcow2 | grep -c '"format"')" \
	"imginfo --chain shows each layer"

over one.qcow2 first.qcow2 qcow2
over two.qcow2 one.qcow2 qcow2
qemu-img rebase -u -b two.qcow2 -F qcow2 one.qcow2
exits 1 imgconv two.qcow2 out.raw 2>message.txt
grep -q 'two.qcow2' message.txt || fail "the message does not name the loop: $(cat message.txt)"
[ ! -e out.raw ] || fail "a target is left"
exits 1 imgconv --untrusted first.qcow2 out.raw 2>message.txt
grep -q 'base.raw' message.txt || fail "--untrusted: $(cat message.txt)"
