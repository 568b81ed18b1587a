# SPDX-License-Identifier: LGPL-2.1-or-later
# Internal snapshots made by qemu-img: each is read by its name and by its id, with its own size.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

make_disk disk.raw $((11 * mib))
for options in compat=1.1 compat=0.10 extended_l2=on; do
	rm -f image.qcow2
	qemu-img convert -f raw -O qcow2 -o $options disk.raw image.qcow2
	first=$(hash_content image.qcow2)
	qemu-img snapshot -c before image.qcow2
	qemu-io -c 'write -P 9 1M 3M' -c 'write -z 9M 1M' image.qcow2 >/dev/null
	second=$(hash_content image.qcow2)
	qemu-img snapshot -c "name with spaces" image.qcow2
	qemu-io -c 'write -P 10 0 11M' image.qcow2 >/dev/null

	same "$first" "$(hash_of cat disk.raw)" "before any snapshot, $options"
	same "$first" "$(hash_content image.qcow2 -l before)" "-l before, $options"
	same "$first" "$(hash_content image.qcow2 -l 1)" "-l 1, $options"
	same "$first" "$(hash_content image.qcow2 -l snapshot.id=1)" "-l snapshot.id=1, $options"
	same "$second" "$(hash_content image.qcow2 -l "name with spaces")" "second, $options"
	qemu-img convert -O raw image.qcow2 now.raw
	same "$(hash_of cat now.raw)" "$(hash_content image.qcow2)" "active, $options"
done

qemu-img create -q -f qcow2 image.qcow2 4M
qemu-io -c 'write -P 5 3M 1M' image.qcow2 >/dev/null
qemu-img snapshot -c small image.qcow2
qemu-img resize -q image.qcow2 8M
same $((4 * mib)) "$(imgconv image.qcow2 -l small -O raw - | wc -c)" "size of the snapshot"

exits 1 imgconv image.qcow2 -l missing out.raw 2>message.txt
grep -q missing message.txt || fail "the message does not name the snapshot: $(cat message.txt)"
[ ! -e out.raw ] || fail "a target is left"
