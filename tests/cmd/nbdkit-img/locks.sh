# SPDX-License-Identifier: LGPL-2.1-or-later
# An image that is served is locked; failures of single requests reach the client, and no other.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/nbdkit-img/server.sh"

qemu-img create -q -f qcow2 image.qcow2 8M

# Before the first client others may read, and nobody may write; also when it is in the background.
nbdkit -P "$PWD/pid" -U socket "$plugin" image.qcow2
until [ -s pid ]; do sleep 0.02; done
server=$(cat pid)
cleanup_fn kill "$server"
imginfo image.qcow2 >/dev/null
! qemu-io -c 'write 0 64k' image.qcow2 >err 2>&1 || fail "QEMU writes to what is served"
exits 1 imgresize image.qcow2 16M 2>/dev/null

# A client that writes has it alone; so has every other one of the same server.
io "$uri" 'write -P 1 0 64k' || fail "$(cat io.txt)"
exits 1 imginfo image.qcow2 >/dev/null 2>&1
refuses 'image.qcow2' "$plugin" image.qcow2
io "$uri" 'read -P 1 0 64k' || fail "the second client: $(cat io.txt)"
kill "$server"
for _ in $(seq 200); do
	! imginfo image.qcow2 >/dev/null 2>&1 || break
	sleep 0.05
done
io image.qcow2 'read 0 64k' || fail "the lock is still there: $(cat io.txt)"

# Whoever uses the image first keeps it: one who wants to write is told, and nobody is hurt.
serve -r "$plugin" image.qcow2
reader=$server
mv socket readers
serve "$plugin" image.qcow2
! io "$uri" 'write 0 64k' || fail "written while somebody reads"
nbdinfo --size "nbd+unix:///?socket=$PWD/readers" >/dev/null
stop "$reader"
io "$uri" 'write -P 2 0 64k' || fail "it is not free again: $(cat io.txt)"
stop "$server"
exits 0 imgcheck -q image.qcow2

# What the file has lost is an error where it is read, and data on the map.
qemu-img convert -O qcow2 image.qcow2 half.qcow2
qemu-io -c 'write -P 4 0 4M' half.qcow2 >/dev/null
truncate -s 2M half.qcow2
serve -r "$plugin" half.qcow2
reads "$uri" 'read -P 4 0 64k' || fail "what is there: $(cat io.txt)"
! reads "$uri" 'read 3M 64k' || fail "what is lost was read"
reads "$uri" 'read -P 4 64k 64k' 'read -P 0 5M 64k' || fail "after that: $(cat io.txt)"
same 0 "$(nbdinfo --map --json "$uri" | jq 'map(select(.offset <= 3145728))[-1].type')" "lost bytes"
stop "$server"
