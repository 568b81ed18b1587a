# SPDX-License-Identifier: LGPL-2.1-or-later
# What can be said of the image that is served, what nbdkit's filters make of it, and what is refused
# before the server goes into the background.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/cmd/nbdkit-img/server.sh"
requires sfdisk --version

# holds PATTERN OPTION...: the first 64 KiB that are served, and so are not written.
holds() {
	serve "${@:2}"
	reads "$uri" "read -P $1 0 64k" || fail "${*:2}: $(cat io.txt)"
	stop "$server"
}

qemu-img create -q -f qcow2 base.qcow2 8M
qemu-io -c 'write -P 1 0 1M' base.qcow2 >/dev/null
qemu-img snapshot -c before base.qcow2
qemu-io -c 'write -P 2 0 64k' base.qcow2 >/dev/null
imgcreate -b base.qcow2 top.qcow2
mkdir moved
cp top.qcow2 moved
hash=$(sha256sum base.qcow2)

holds 2 "$plugin" base.qcow2
holds 2 "$plugin" top.qcow2
holds 2 "$plugin" file=moved/top.qcow2 parent=base.qcow2
holds 1 "$plugin" base.qcow2 snapshot=before
for cache in default writeback writethrough none directsync unsafe; do
	holds 2 "$plugin" base.qcow2 cache=$cache cache-size=2M format=qcow2
done

# A snapshot and an image opened with -r cannot be written, and stay as they are.
for options in 'base.qcow2 snapshot=before' 'base.qcow2 force-share=true'; do
	# shellcheck disable=SC2086
	serve "$plugin" $options
	nbdinfo --is readonly "$uri" || fail "$options: can be written"
	stop "$server"
done
serve -r "$plugin" base.qcow2
nbdinfo --is readonly "$uri" || fail "-r: can be written"
imginfo base.qcow2 >/dev/null
stop "$server"
same "$hash" "$(sha256sum base.qcow2)" "the image was changed"

# Writing to the overlay leaves the base alone.
serve "$plugin" top.qcow2
io "$uri" 'write -P 3 32k 64k' 'read -P 2 0 32k' 'read -P 1 96k 32k' || fail "$(cat io.txt)"
stop "$server"
qemu-img check -q top.qcow2
same "$hash" "$(sha256sum base.qcow2)" "the base was changed"

# The filter cow writes elsewhere; partition shows one of them.
serve --filter=cow "$plugin" base.qcow2
io "$uri" 'write -P 9 0 64k' 'read -P 9 0 64k' || fail "cow: $(cat io.txt)"
stop "$server"
same "$hash" "$(sha256sum base.qcow2)" "the filter cow changed the image"
truncate -s 8M table.raw
printf 'label: gpt\n,1M\n,2M\n' | sfdisk -q table.raw
imgconv table.raw table.vdi
serve --filter=partition "$plugin" table.vdi partition=2
same $((2 * mib)) "$(nbdinfo --size "$uri")" "the second partition"
io "$uri" 'write -P 6 0 2M' 'write -P 7 1M 4k' flush || fail "partition: $(cat io.txt)"
stop "$server"
exits 0 imgcheck -q table.vdi
imgconv table.vdi new.raw
sfdisk -q --verify new.raw
io new.raw 'read -P 6 2M 1M' 'read -P 7 3M 4k' || fail "written elsewhere: $(cat io.txt)"

# The file of an image may itself be behind a server.
qemu-img create -q -f qcow2 far.qcow2 8M
truncate -s 16M far.qcow2
serve file far.qcow2
far=$server
mv socket farther
serve "$plugin" "nbd+unix:///?socket=$PWD/farther"
io "$uri" 'write -P 5 1M 3M' flush || fail "through two servers: $(cat io.txt)"
stop "$server"
stop "$far"
same 5 "$(imgconv far.qcow2 -O raw - | od -An -tu1 -j$mib -N1 | tr -d ' ')" "through two servers"

refuses 'no image is named' "$plugin"
refuses 'there is no parameter "size"' "$plugin" base.qcow2 size=5
refuses 'cache: "slow" is none of' "$plugin" base.qcow2 cache=slow
refuses 'cache-size: "0" is not a size from 1 on' "$plugin" base.qcow2 cache-size=0
refuses 'contradict each other' "$plugin" base.qcow2 trusted=true untrusted=true
refuses 'neither true nor false' "$plugin" base.qcow2 trusted=maybe
refuses 'No such file' "$plugin" none.qcow2
refuses 'there is no snapshot "after"' "$plugin" base.qcow2 snapshot=after
refuses 'is not a VDI image' "$plugin" base.qcow2 format=vdi
refuses 'opening others is not allowed' "$plugin" top.qcow2 untrusted=true
qemu-img create -q -f vpc foreign.raw 8M
refuses 'looks like a VHD image' "$plugin" foreign.raw

# An encrypted image, with its key and without.
printf secret >key
imgconv -O qcow2 -o encrypt.format=luks,encrypt.iter-time=10 --new-key-file=key new.raw locked.qcow2
refuses 'no key was given' "$plugin" locked.qcow2
serve "$plugin" locked.qcow2 key-file=key
io "$uri" 'read -P 6 2M 1M' 'write -P 8 2M 1M' flush || fail "encrypted: $(cat io.txt)"
stop "$server"
imgconv --key-file=key -O raw locked.qcow2 after.raw
io after.raw 'read -P 8 2M 1M' 'read -P 7 3M 4k' || fail "written elsewhere: $(cat io.txt)"

# One whose header is elsewhere.
imgconv -O luks -o header=apart,iter-time=1 --key-file=key base.qcow2 data.luks
holds 2 "$plugin" data.luks header=apart key-file=key
