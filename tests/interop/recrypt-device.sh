# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcrypt --in-place of a block device: with a header in another file it is encrypted, with one of its own it
# gets another key and is decrypted; what is done is written down in a file that is named.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires losetup --version
requires cryptsetup --version

printf one >one
printf two >two
truncate -s $((4 * mib)) under
place under 0 text 5000
place under $mib noise 700000
device=$(losetup -f --show under 2>/dev/null) || skip "this needs: loop devices, and root"
cleanup_fn losetup -d "$device"
hash=$(sha256sum <"$device")

refused() {
	exits "$1" imgcrypt -q "${@:2}" "$device" 2>message </dev/null
	[ ! -e record ] || fail "${*:2}: something is left"
}
refused 1 encrypt -f raw --in-place --key-file=one --header=head
grep -q -e --journal message || fail "$(cat message)"
refused 63 encrypt -f raw --in-place --journal=record --key-file=one
grep -q -e --header message || fail "$(cat message)"
[ ! -e head ] || fail "a header is left"
same "$hash" "$(sha256sum <"$device")" "the device, behind what was refused"

changed() {
	imgcrypt -q "$1" --in-place --journal=record "${@:2}" "$device" || fail "$*"
	[ ! -e record ] || fail "$*: something is left"
}
changed encrypt -f raw --header=head --key-file=one -o iter-time=1
cryptsetup open --test-passphrase --key-file one --header head "$device" || fail "cryptsetup"
same "$hash" "$(imgconv -q --key-file=one --header=head -O raw "$device" - | sha256sum)" "encrypted"
changed decrypt --header=head --key-file=one
same "$hash" "$(sha256sum <"$device")" "decrypted"

# With a header of its own, which leaves less room for the disk.
head -c $mib under >disk.raw
imgconv -q --key-file=one -O luks -o iter-time=1 disk.raw small.luks
dd if=small.luks of="$device" conv=notrunc bs=64k status=none
changed reencrypt --key-file=one --new-key-file=two -o iter-time=1
cryptsetup open --test-passphrase --key-file two "$device" || fail "cryptsetup does not open it"
changed decrypt --key-file=two
cmp -n $mib disk.raw "$device" || fail "another disk"
