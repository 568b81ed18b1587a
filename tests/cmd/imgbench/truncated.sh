# SPDX-License-Identifier: LGPL-2.1-or-later
# What a file has lost stays lost, and known to be, whatever is written elsewhere.
. "$srcdir/tests/functions.sh"
requires jq --version
requires qemu-img --version

# lost: the lost extents of the disk.
lost() {
	imgmap --output=json disk.qcow2 | jq -c '[.[] | select(.kind == "lost") | [.start, .length]]'
}

dd if=/dev/urandom of=disk.raw bs=64k count=16 status=none
truncate -s 64M disk.raw
# Its reference counts stand in front, so that they are not lost as well.
qemu-img convert -O qcow2 disk.raw disk.qcow2
truncate -s 700000 disk.qcow2
before=$(lost)
[ "$before" != '[]' ] || fail "nothing is lost: $(imgmap disk.qcow2)"

# In place of what is there: no matter.
imgbench -f qcow2 --pattern=write --block-size=64k --bytes=128k -q disk.qcow2
same "$before" "$(lost)" "after a write where data are"
# Where the file would have to grow over what is lost.
exits 4 imgbench --pattern=write --block-size=64k --offset=32M --bytes=1M -q disk.qcow2 2>err
grep -q 'lost its end' err || fail "$(cat err)"
same "$before" "$(lost)" "after a write that was refused"
[ "$(stat -c %s disk.qcow2)" -le 720896 ] || fail "the file has grown"
