# SPDX-License-Identifier: LGPL-2.1-or-later
# Loads that are made up: how many requests, where they go, and that a seed makes the same disk.
. "$srcdir/tests/functions.sh"
requires jq --version

# run ARG...: kinds, requests and bytes of a pattern.
run() {
	imgbench -f raw --output=json "$@" >out
	jq -c '[.kinds[] | [.kind, .requests, .bytes]]' out
}

truncate -s 1M disk.raw
same '[["write",10,40960],["flush",3,0]]' \
	"$(run --pattern=write --requests=10 --flush-every=3 disk.raw)" "write"
same '[["read",4,262144]]' "$(run --pattern=read --bytes=200k --block-size=64k disk.raw)" "read"
same '[["discard",5,20480]]' "$(run --pattern=randtrim --requests=5 disk.raw)" "randtrim"
same 65536 "$(run --pattern=read disk.raw | jq '.[0][1]')" "as many as it makes by itself"
run --pattern=randrw --requests=100 disk.raw >/dev/null
same '["read","write"]' "$(jq -c '[.kinds[].kind]' out)" "randrw"
same '[["write",10,40960]]' "$(run --pattern=rw --read-share=0 --requests=10 disk.raw)" "none reads"
same '[["read",10,40960]]' "$(run --pattern=rw --read-share=100 --requests=10 disk.raw)" "all read"
run --pattern=randwrite --seconds=1 --depth=2 disk.raw >/dev/null
same true "$(jq '."wall-seconds" >= 1' out)" "--seconds"

# Only where it should.
truncate -s 0 disk.raw
truncate -s 1M disk.raw
run --pattern=randwrite --offset=4608 --length=10000 --block-size=1536 --requests=200 \
	disk.raw >/dev/null
cmp -n 4608 disk.raw /dev/zero
cmp -n 1000000 -i $((4608 + 6 * 1536)):0 disk.raw /dev/zero
[ "$(tr -d '\0' <disk.raw | wc -c)" -gt 8900 ] || fail "hardly anything was written"

# The disk depends on the seed, not on the depth or the cache mode.
for args in "--depth=1" "--depth=8 --cache=directsync" "--depth=64" "--seed=5"; do
	truncate -s 0 disk.raw
	truncate -s 1M disk.raw
	# shellcheck disable=SC2086
	run --pattern=randwrite --block-size=8k --length=64k --requests=500 --flush-every=7 \
		$args disk.raw >/dev/null
	sha256sum <disk.raw
done >sums
same "3 1" "$(uniq -c sums | awk '{ print $1 }' | xargs)" "the same disk, and another one"

# Reading needs no right to write.
chmod a-w disk.raw
run --pattern=randread --requests=10 disk.raw >/dev/null
[ "$(id -u)" = 0 ] || exits 1 imgbench -f raw --pattern=write disk.raw 2>/dev/null
