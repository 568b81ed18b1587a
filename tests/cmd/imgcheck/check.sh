# SPDX-License-Identifier: LGPL-2.1-or-later
# What imgcheck says of good and of bad images, in which words and with which exit status.
. "$srcdir/tests/functions.sh"
requires jq --version
requires sfdisk --version

# patch FILE OFFSET BYTES: BYTES as printf takes them.
patch() {
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

dd if=/dev/urandom of=disk.raw bs=64k count=4 status=none
imgconv disk.raw good.qcow2
exits 0 imgcheck good.qcow2 >out
same "good.qcow2: No errors were found." "$(head -n 1 out)" "a good image"
exits 0 imgcheck -q good.qcow2 >out
[ ! -s out ] || fail "-q, but it says: $(cat out)"

# The count of the last data cluster: raised, it is a leak; lowered, damage.
block=$((16#$(xxd -s $((16#$(xxd -s 48 -l 8 -p good.qcow2))) -l 8 -p good.qcow2)))
last=$(($(stat -c %s good.qcow2) / 65536 - 1))
cp good.qcow2 leak.qcow2
patch leak.qcow2 $((block + last * 2)) '\0\3'
exits 3 imgcheck leak.qcow2 >out
grep -q 'leak: .*expected 1, found 3.*\[qcow2.refcount.leak\]' out || fail "$(cat out)"
cp good.qcow2 low.qcow2
patch low.qcow2 $((block + last * 2)) '\0\0'
exits 2 imgcheck low.qcow2 >out
grep -q 'error: .*\[qcow2.refcount.low\]' out || fail "$(cat out)"
exits 2 imgcheck --output=json low.qcow2 >out
same "[0,1,0,[\"qcow2.refcount.low\",$((last * 65536)),1,0]]" "$(jq -c '[."check-errors",
	.corruptions, .leaks, (.findings[0] | .id, ."host-offset", .expected, .found | [.]) ] |
	flatten | [.[0:3][], .[3:]]' out)" "the report"

# A header that is no more is damage, and named.
cp good.qcow2 headless.qcow2
dd if=/dev/zero of=headless.qcow2 bs=512 count=1 conv=notrunc status=none
exits 2 imgcheck headless.qcow2 >out
grep -q 'image.doubtful' out || fail "$(cat out)"
exits 2 imgcheck -f qcow2 headless.qcow2 >out
grep -q 'fatal: .*qcow2.header.broken' out || fail "$(cat out)"

# A raw disk that has lost its end says so by its partition table.
truncate -s 1M gpt.raw
echo ';' | sfdisk -q -X gpt gpt.raw
exits 0 imgcheck gpt.raw >out
truncate -s 512k gpt.raw
exits 2 imgcheck gpt.raw >out
grep -q 'error: .*raw.gpt.cut' out || fail "$(cat out)"

# What cannot be checked.
exits 63 imgcheck disk.raw 2>err
exits 1 imgcheck missing.qcow2 2>err
exits 1 imgcheck . 2>err
exits 1 imgcheck 2>err
cp good.qcow2 feature.qcow2
patch feature.qcow2 72 '\1'
exits 63 imgcheck feature.qcow2 2>err
grep -q feature err || fail "$(cat err)"

# A backing file that is gone is a note.
imgcreate -b disk.raw -F raw top.qcow2
exits 0 imgcheck top.qcow2 >out
grep -q note out && fail "$(cat out)"
mv disk.raw elsewhere
exits 0 imgcheck top.qcow2 >out
grep -q 'note: .*disk.raw.*\[image.chain\]' out || fail "$(cat out)"

# From a pipe.
exits 3 imgcheck - <leak.qcow2 >out
cat low.qcow2 | exits 2 imgcheck - >out

imgcheck --findings >out
grep -q '^qcow2.refcount.leak  *leak' out || fail "$(cat out)"
