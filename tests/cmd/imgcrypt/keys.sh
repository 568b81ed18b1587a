# SPDX-License-Identifier: LGPL-2.1-or-later
# Keys come and go, the last one stays, and a header can be kept: of LUKS inside qcow2, made by
# qemu-img.  What cryptsetup makes of that is in tests/interop/imgcrypt.sh.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires jq --version

printf one >one
printf two >two
printf three >three

# opens KEY...: what opens the image, in the order of one, two, three.
opens() {
	local key

	for key in one two three; do
		! imgcrypt -q test --key-file=$key disk.qcow2 2>/dev/null || echo $key
	done | xargs
}

slots() {
	imgcrypt list --output=json disk.qcow2 | jq -c '[.slots[].number]'
}

patiently qemu-img create -q -f qcow2 --object secret,id=s,file=one \
	-o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 disk.qcow2 3M
same one "$(opens)" "keys of a new image"
imgcrypt header-backup disk.qcow2 first
same 600 "$(stat -c %a first)" "who may read a backup"
exits 1 imgcrypt header-backup disk.qcow2 first 2>err

same "the new key is in key slot 1" \
	"$(imgcrypt add-key --key-file=one --new-key-file=two --iter-time=10 disk.qcow2)" "a second key"
same "the new key is in key slot 7" "$(imgcrypt add-key --key-file=two --new-key-file=three \
	--slot=7 --iterations=1000 disk.qcow2)" "a third key"
same "one two three" "$(opens)" "three keys"
same "key slot 7 opens" "$(imgcrypt test --slot=7 --key-file=three disk.qcow2)" "one slot"
exits 5 imgcrypt test --slot=7 --key-file=one disk.qcow2 >out 2>err
same "imgcrypt: disk.qcow2: no key opens it" "$(cat err)" "the key of another slot"
same "" "$(cat out)" "what a failed test prints"
exits 5 imgcrypt test --slot=3 --key-file=one disk.qcow2 2>err
same "imgcrypt: disk.qcow2: key slot 3 is not in use" "$(cat err)" "an empty slot"
exits 1 imgcrypt add-key --key-file=one --new-key-file=two --slot=1 disk.qcow2 2>err
exits 1 imgcrypt add-key --key-file=one --new-key-file=two --slot=8 disk.qcow2 2>err
exits 1 imgcrypt test --slot=7.5 --key-file=three disk.qcow2 2>err
grep -q '"7.5" is no key slot' err || fail "$(cat err)"
exits 63 imgcrypt add-key --key-file=one --new-key-file=two --pbkdf=argon2id disk.qcow2 2>err
exits 5 imgcrypt add-key --key-file=first --new-key-file=two disk.qcow2 2>err
same "[0,1,7]" "$(slots)" "slots after what failed"

imgcrypt -q change-key --key-file=one --new-key-env=NEW --iterations=1000 disk.qcow2 2>err &&
	fail "a variable that is not there"
NEW=four imgcrypt -q change-key --key-file=one --new-key-env=NEW --iterations=1000 disk.qcow2
same "two three" "$(opens)" "the first key was changed"
printf four | imgcrypt -q test --key-file=- disk.qcow2
same "[1,2,7]" "$(slots)" "where the changed key is"

imgcrypt -q remove-key --key-file=two disk.qcow2
imgcrypt -q remove-key --slot=2 disk.qcow2
exits 1 imgcrypt remove-key --slot=2 disk.qcow2 2>err
exits 1 imgcrypt remove-key --slot=7 disk.qcow2 2>err
grep -q -e --force err || fail "it does not say how the last one goes: $(cat err)"
exits 1 imgcrypt remove-key --key-file=three disk.qcow2 2>err
same three "$(opens)" "the last key"

imgcrypt header-backup disk.qcow2 second
imgcrypt -q remove-key --force --slot=7 disk.qcow2
exits 5 imgcrypt test --key-file=three disk.qcow2 2>err
imgcrypt header-restore disk.qcow2 second
same three "$(opens)" "the header is back"
imgcrypt header-restore disk.qcow2 first
same one "$(opens)" "the older header is back"
exits 1 imgcrypt erase disk.qcow2 2>err
imgcrypt erase --force disk.qcow2
same "" "$(opens)" "nothing opens it"
same "[]" "$(slots)" "no slot is left"

# One that is cut off would take the keys away.
imgcrypt list disk.qcow2 >list
head -c 8000 first >cut
exits 4 imgcrypt header-restore disk.qcow2 cut 2>err
grep -q 'key slot 0' err || fail "which key is missing: $(cat err)"
cmp <(imgcrypt list disk.qcow2) list || fail "the header is another one"
imgcrypt header-restore disk.qcow2 first

# A backup is of one volume, unless somebody insists.
cp disk.qcow2 other.qcow2
patiently qemu-img create -q -f qcow2 --object secret,id=s,file=two \
	-o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 disk.qcow2 3M
exits 1 imgcrypt header-restore disk.qcow2 first 2>err
grep -q -e --force err || fail "it does not say how it goes: $(cat err)"
same two "$(opens)" "nothing was changed"
imgcrypt header-restore --force disk.qcow2 first
same one "$(opens)" "somebody insisted"

# What has no key slots.
imgcreate -q -f vdi disk.vdi 1M
exits 63 imgcrypt list disk.vdi 2>err
