# SPDX-License-Identifier: LGPL-2.1-or-later
# What imgsnap does to a chain qemu-img reads, and what both do to the same chain shows the same disk;
# killed at any of its writes, a second run ends the same.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires strace -V

# chain: three layers whose disks have three lengths.
chain() {
	rm -f base.raw mid.qcow2 top.qcow2
	qemu-img create -q -f raw base.raw 3M
	qemu-io -f raw -c 'write -P 1 0 1M' -c 'write -P 2 2560k 512k' base.raw >/dev/null
	qemu-img create -q -f qcow2 -b base.raw -F raw mid.qcow2 2M
	qemu-io -c 'write -P 3 512k 256k' -c 'write -z 128k 128k' mid.qcow2 >/dev/null
	qemu-img create -q -f qcow2 -b mid.qcow2 -F qcow2 top.qcow2 4M
	qemu-io -c 'write -P 4 600k 100k' -c 'write -P 5 3500k 64k' -c 'write -z 0 64k' top.qcow2 >/dev/null
}

# disk WHAT: what QEMU makes of the chain; clusters that a kill has lost are no damage.
disk() {
	qemu-img check -q top.qcow2 >leaks 2>&1 || [ $? = 3 ] || fail "$1: qemu-img check"
	qemu-img convert -O raw top.qcow2 disk.raw || fail "$1: cannot be read"
	sha256sum <disk.raw
}

chain
want=$(disk "as it was")
for way in "commit" "commit -b base.raw" "rebase -b base.raw -F raw" "flatten"; do
	chain
	imgsnap $way -q top.qcow2 2>err || fail "$way: $(cat err)"
	same "$want" "$(disk "$way")" "$way"
done
chain
qemu-img commit -q -b base.raw top.qcow2
cp base.raw theirs.raw
chain
imgsnap commit -q -b base.raw top.qcow2 2>/dev/null
cmp base.raw theirs.raw || fail "another base than that of qemu-img commit"

# killed N WAY: at the N-th call that writes, of a run with one thread; 1: there are not as many.
calls=pwrite64,fallocate,ftruncate
killed() {
	chain
	! strace -f -qq -o trace.txt -e trace=$calls -e "inject=$calls:signal=KILL:when=$1" \
		imgsnap $2 -q -m 1 top.qcow2 2>/dev/null
}

for way in "commit" "rebase -b base.raw -F raw"; do
	n=1
	while killed $n "$way"; do
		# QEMU knows nothing of a journal that has to be finished first.
		same "$want" "$(imgconv -q -O raw top.qcow2 - | sha256sum)" "$way, killed at write $n"
		imgsnap $way -q top.qcow2 2>err || fail "$way after write $n: $(cat err)"
		same "$want" "$(disk "$way again")" "$way, again after write $n"
		n=$((n + $(few 3 9)))
	done
	[ $n -gt 5 ] || fail "$way: killed only up to write $n"
done
