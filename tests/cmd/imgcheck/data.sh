# SPDX-License-Identifier: LGPL-2.1-or-later
# imgcheck --data: clusters that do not decompress, and bytes that the file has lost.
. "$srcdir/tests/functions.sh"
requires jq --version

head -c 262144 /dev/zero | tr '\0' 'x' >disk.raw
imgconv -c disk.raw packed.qcow2
exits 0 imgcheck --data packed.qcow2 >out

# The first compressed cluster loses its stream.
at=$(imgmap --output=json packed.qcow2 | jq '[.[] | select(.compressed)][0]."compressed-offset" //
	empty')
[ -n "$at" ] || at=$(stat -c %s packed.qcow2 | awk '{ print $1 }')
cp packed.qcow2 bad.qcow2
l1=$((16#$(xxd -s 40 -l 8 -p bad.qcow2)))
l2=$((16#$(xxd -s $l1 -l 8 -p bad.qcow2) & 16#fffffffffffe00))
entry=$((16#$(xxd -s $l2 -l 8 -p bad.qcow2)))
host=$((entry & 16#3fffffffffffff))
printf '\377\377\377\377' | dd of=bad.qcow2 bs=1 seek=$host conv=notrunc status=none
exits 0 imgcheck bad.qcow2 >out
for threads in 1 4; do
	exits 2 imgcheck --data -m $threads --output=json bad.qcow2 >out
	same '[["image.data.undecodable",0]]' \
		"$(jq -c '[.findings[] | [.id, ."guest-offset"]]' out)" "what does not decompress"
done

# Of raw images there is nothing but the data.
exits 0 imgcheck --data disk.raw >out

imgconv disk.raw half.qcow2
truncate -s 400k half.qcow2
exits 2 imgcheck --data --output=json half.qcow2 >out
jq -e '[.findings[].id] | contains(["image.data.lost"])' out >/dev/null || fail "$(cat out)"

# Without its data file an image has no data; one that must not be opened is not looked at.
imgcreate -f qcow2 -o data_file=gone.raw named.qcow2 1M >/dev/null
exits 1 imgcheck --data --untrusted named.qcow2 >out 2>err
rm gone.raw
exits 0 imgcheck named.qcow2 >out
exits 2 imgcheck --data named.qcow2 >out
grep -q 'image\.data\.unread' out || fail "$(cat out)"
