# SPDX-License-Identifier: LGPL-2.1-or-later
# Which parts of the disk changed between two snapshots, and between two images; no data is read where
# the maps tell.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires qemu-io --version

qemu-img create -q -f qcow2 vm.qcow2 64M
qemu-io -c 'write -P 1 0 1M' -c 'write -P 2 10M 192k' vm.qcow2 >/dev/null
qemu-img snapshot -c first vm.qcow2
qemu-io -c 'write -P 3 64k 64k' -c 'write -z 10M 64k' -c 'write -P 4 40M 256k' vm.qcow2 >/dev/null
qemu-img snapshot -c second vm.qcow2
qemu-io -c 'write -P 1 512k 64k' vm.qcow2 >/dev/null

changes() {
	imgsnap diff --output=human "$@" | tail -n +2 | awk '{ print $1, $2, $3 }'
}

want="0x10000 0x10000 data
0xa00000 0x10000 zeros
0x2800000 0x40000 data"
same "$want" "$(changes vm.qcow2 first second)" "first to second"
same "$want" "$(changes vm.qcow2 1 2)" "by id"
same "" "$(changes vm.qcow2 second second)" "nothing"
same "0x80000 0x10000 data" "$(changes vm.qcow2 second .)" "written again"
same "" "$(changes vm.qcow2 second . --compare)" "with the same bytes"
same "{ \"size-a\": 67108864, \"size-b\": 67108864, \"changes\": [
{ \"start\": 524288, \"length\": 65536, \"zero\": false }] }" \
	"$(imgsnap diff vm.qcow2 second . --output=json)" JSON
if xmllint --version >/dev/null 2>&1 && jq --version >/dev/null 2>&1; then
	imgsnap diff vm.qcow2 first . --output=xml >report.xml
	xmllint --noout --relaxng "$srcdir/doc/imgsnap-diff.rng" report.xml 2>message ||
		fail "XML: $(cat message)"
	imgsnap diff vm.qcow2 first . --output=json >report.json
	same "" "$(jq -r --slurpfile schema "$srcdir/doc/imgsnap-diff.schema.json" \
		-f "$srcdir/tests/cmd/common/schema.jq" report.json)" "JSON and its schema"
fi

# Another image: its bytes tell, in pieces of 4 KiB.
qemu-img convert -O raw -l first vm.qcow2 old.raw
printf x | dd of=old.raw bs=1 seek=$((20 << 20)) conv=notrunc status=none
same "$want" "$(changes vm.qcow2 . second --from old.raw --from-format raw | sed /0x1400000/d)" "from raw"
same "0x1400000 0x1000 zeros" "$(changes vm.qcow2 . first --from old.raw --from-format raw)" "one byte"

# What an overlay does not hold is never read.
imgcreate -b vm.qcow2 top.qcow2
qemu-io -c 'write -P 7 50M 64k' top.qcow2 >/dev/null
same "0x3200000 0x10000 data" "$(changes top.qcow2 . . --from vm.qcow2)" "an overlay"
if strace -V >/dev/null 2>&1 && [ -z "${SANITIZER-}" ]; then
	strace -f -e trace=pread64,read -o calls imgsnap diff vm.qcow2 first . >/dev/null
	most=$(sed -n 's/.*pread64(.* = \([0-9]*\)$/\1/p' calls | awk '{ n += $1 } END { print n }')
	[ "$most" -lt 700000 ] || fail "$most bytes were read for two maps"
fi

# A patch goes to none of the files that it is made of.
ln vm.qcow2 hard
qemu-img create -q -f qcow2 -b vm.qcow2 -F qcow2 top.qcow2
sum=$(sha256sum vm.qcow2 old.raw)
for to in vm.qcow2 ./hard; do
	exits 1 imgsnap diff -U --data=$to vm.qcow2 first second 2>message
	grep -q -- '--data cannot write there' message || fail "$to: $(cat message)"
	exits 1 imgsnap diff --data=$to --from=old.raw top.qcow2 . . 2>message
	grep -q -- '--data cannot write there' message || fail "$to, below: $(cat message)"
done
exits 1 imgsnap diff -U --data=old.raw --from=old.raw top.qcow2 . . 2>message
same "$sum" "$(sha256sum vm.qcow2 old.raw)" "what a patch is made of"

truncate -s 600k vm.qcow2
exits 4 imgsnap diff vm.qcow2 first second >/dev/null 2>message || cat message
exits 1 imgsnap diff old.raw . none -f raw 2>message
exits 1 imgsnap list old.raw --data=x 2>message
grep -q '"--data" does not belong to "list"' message || fail "$(cat message)"
