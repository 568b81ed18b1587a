# SPDX-License-Identifier: LGPL-2.1-or-later
# What imgresize says of its work, and that trying changes nothing.
. "$srcdir/tests/functions.sh"
requires jq --version
requires sfdisk --version
PATH=$PATH:/sbin:/usr/sbin

truncate -s 16M disk.raw
printf 'label: gpt\n,4M\n,4M\n' | sfdisk -q disk.raw
cp disk.raw before.raw

want='{"file":"disk.raw","format":"raw","old-size":16777216,"new-size":25165824,"smallest-safe-size":9454080,"dry-run":true,"partition-table":"gpt","sector-size":512,"backup-table-moved":true,"table-mended":false,"last-partition":{"number":2,"start":5242880,"old-length":4194304,"new-length":19902464},"warnings":[]}'
imgresize --dry-run --output=json --partition=2=max disk.raw 24M >out
same "$want" "$(jq -c . out)" "the plan"
imgresize --dry-run -q --shrink disk.raw 12M
cmp disk.raw before.raw || fail "only tried, but something changed"
imgresize --output=json --partition=2=max disk.raw 24M >out
same "${want/true/false}" "$(jq -c . out)" "the report"
imgresize --output=json --partition=2=max disk.raw +0 >out 2>err
same no-room-to-grow "$(jq -r '.warnings[].id' out)" "no room"
grep -q 'warning: partition 2 has all the room' err || fail "no warning: $(cat err)"
imgresize disk.raw +1M -p >out 2>err
grep -q '^new size: *25 MiB' out || fail "for people: $(cat out)"
imgresize -q disk.raw +1M >out 2>err
[ ! -s out ] && [ ! -s err ] || fail "-q, but it says: $(cat out err)"
