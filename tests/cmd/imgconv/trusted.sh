# SPDX-License-Identifier: LGPL-2.1-or-later
# Extents outside the folder of their descriptor are read with --trusted, and refused without it.
. "$srcdir/tests/functions.sh"

# descriptor EXTENT: one that names the file as its only extent.
descriptor() {
	printf '%s\n' '# Disk DescriptorFile' version=1 CID=1 parentCID=ffffffff \
		'createType="monolithicFlat"' "RW 2048 FLAT \"$1\" 0"
}

mkdir vm
head -c 1M /dev/urandom >secret.raw
descriptor ../secret.raw >vm/up.vmdk
descriptor "$PWD/secret.raw" >vm/absolute.vmdk
for evil in vm/up.vmdk vm/absolute.vmdk; do
	exits 1 imgconv "$evil" leak.raw 2>err
	grep -q 'secret.raw.*not in its own folder' err || fail "$evil: $(cat err)"
	[ ! -e leak.raw ] || fail "$evil: something was written"
	imgconv --trusted "$evil" fine.raw
	cmp fine.raw secret.raw
done

# Every command that reads images has it.
exits 2 imgcmp vm/up.vmdk secret.raw 2>err
imgcmp -q --trusted vm/up.vmdk secret.raw
imginfo --trusted vm/up.vmdk >out
imgmap --trusted vm/up.vmdk >out
exits 1 imgcheck vm/up.vmdk 2>err
imgcheck -q --trusted vm/up.vmdk
imgcheck -q --trusted --salvage -o new.raw vm/up.vmdk
cmp new.raw secret.raw
imgcreate --trusted -b up.vmdk vm/over.qcow2
exits 1 imgcreate -b up.vmdk vm/not.qcow2 2>err
exits 1 imgmap vm/over.qcow2 >out 2>err
imgmap --trusted vm/over.qcow2 >out

# Even so nothing but files and block devices is opened.
for strange in /dev/zero nbd://localhost/disk; do
	descriptor "$strange" >vm/strange.vmdk
	exits 1 imgconv --trusted vm/strange.vmdk leak.raw 2>err
	grep -q 'which is not a' err || fail "$strange: $(cat err)"
done

exits 1 imgconv --trusted --untrusted vm/up.vmdk leak.raw 2>err
grep -q 'contradict each other' err || fail "both options: $(cat err)"
