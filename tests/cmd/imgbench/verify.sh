# SPDX-License-Identifier: LGPL-2.1-or-later
# Reading back finds a byte that is wrong, says where, and counts what it has compared.
. "$srcdir/tests/functions.sh"
requires jq --version

cat >trace <<'END'
# recdisk 1 size 16777216
W 0 65536 d2z2d12 40 0 0
W 8388608 1048576 d 63 0 0
Z 32768 8192 u 0 0
W 8392704 4096 d 10 0 0
END
# spoil AT: change one byte of the disk.
spoil() {
	imgbench -q --trace=trace -f raw disk.raw
	printf '\x01' | dd of=disk.raw bs=1 seek="$1" conv=notrunc status=none
}
truncate -s 16M disk.raw
# verified ARG...: how many bytes were.
verified() {
	imgbench --trace=trace --output=json -f raw "$@" disk.raw | jq '."verified-bytes"'
}
same 16777216 "$(verified --verify)" "all of a disk that was empty"
head -c 16M /dev/zero | tr '\0' x >disk.raw
same 1114112 "$(verified --verify)" "what was changed of one that was not"
same 1114112 "$(verified --verify-only)" "--verify-only"

while read -r at request; do
	spoil "$at"
	exits 1 imgbench --trace=trace --verify-only -f raw disk.raw 2>err >out
	same "imgbench: disk.raw: byte $at of the disk is not what request $request left there" \
		"$(cat err)" "byte $at"
	[ ! -s out ] || fail "it reports all the same"
done <<'END'
0 0
8192 0
65535 0
32768 2
40959 2
8388608 1
8392704 3
8396799 3
8396800 1
9437183 1
END
# Bytes that nobody wrote are nobody's concern, and another seed is another disk.
spoil 65536
imgbench -q --trace=trace --verify-only -f raw disk.raw
exits 1 imgbench -q --trace=trace --verify-only --seed=1 -f raw disk.raw 2>/dev/null

# Discarded bytes may be anything; flushes are counted in, or not.
truncate -s 1M small.raw
for args in "--pattern=randtrim" "--pattern=randrw --flush-every=3" \
	"--pattern=randwrite --block-size=1536" \
	"--pattern=rw --depth=4 --no-flush --flush-every=2"; do
	# shellcheck disable=SC2086
	imgbench -q $args --requests=600 --verify -f raw small.raw
	# shellcheck disable=SC2086
	imgbench -q $args --requests=600 --verify-only -f raw small.raw
done
head -c 1M /dev/zero | tr '\0' x >small.raw
imgbench -q --pattern=randtrim --verify-only -f raw small.raw
exits 1 imgbench -q --pattern=write --seconds=1 --verify-only -f raw small.raw 2>err
grep -q -- '--verify-only needs --requests or --bytes' err || fail "$(cat err)"
