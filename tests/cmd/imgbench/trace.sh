# SPDX-License-Identifier: LGPL-2.1-or-later
# A trace, plain and gzipped: what is asked of the image, counted exactly, and what is on it then.
. "$srcdir/tests/functions.sh"
requires jq --version

cat >trace <<'END'
# recdisk 1 size 1048576
R 512 1024 0 0
W 0 16384 d1z1d2 40 0 0
W 524288 65536 d 63 0 0
F 0 0
F 0 0
W 8192 4096 d 100 0 0
Z 528384 8192 u 0 0
Z 65536 4096 k 0 0
F 0 0
R 0 65536 0 0
END
gzip -k trace
counts='[.kinds[] | [.kind, .requests, .bytes]]'
for name in trace trace.gz; do
	head -c 1M /dev/zero | tr '\0' x >disk.raw
	imgbench --trace=$name --output=json -f raw disk.raw >out
	same '[["read",2,66560],["write",3,86016],["zero",2,12288],["flush",3,0]]' \
		"$(jq -c "$counts" out)" "$name: requests"
	same '[10,164864]' "$(jq -c '[.requests, .bytes]' out)" "$name: sums"
	# The second of two flushes has nothing to do.
	same '[3,86016,2]' "$(jq -c '[.file.writes, .file."written-bytes", .file.syncs]' out)" \
		"$name: the file"
	mv disk.raw $name.raw
done
cmp trace.raw trace.gz.raw
imgbench -q --trace=- -f raw trace.raw <trace.gz

# Written, zero by the map, zeroed, and not touched.
blocks=$(od -An -v -w4096 -tx1 trace.raw | awk '{
	for (i = 2; i <= NF && $i == $1; i++);
	printf("%s ", (i > NF) ? $1 : "data")
}')
want="data 00 data data $(for ((i = 4; i < 256; i++)); do
	case $i in
	16 | 129 | 130) echo -n "00 " ;;
	128 | 13[1-9] | 14[0-3]) echo -n "data " ;;
	*) echo -n "78 " ;;
	esac
done)"
same "$want" "$blocks" "what is on the disk"

# --requests cuts it short, --no-flush leaves the flushes out.
imgbench --trace=trace --requests=4 --output=json -f raw trace.raw >out
same '[["read",1,1024],["write",2,81920],["flush",1,0]]' "$(jq -c "$counts" out)" "--requests"
imgbench --trace=trace --no-flush --output=json -f raw trace.raw >out
same '[["read",2,66560],["write",3,86016],["zero",2,12288]]' "$(jq -c "$counts" out)" "--no-flush"
same 1 "$(jq .file.syncs out)" "the last sync, which is always made"
imgbench --trace=trace --no-flush --cache=writethrough --output=json -f raw trace.raw >out
same 5 "$(jq .file.syncs out)" "a sync behind each change"

# Bad ones are refused before anything is written.
cp trace.raw before.raw
printf 'W 0 4096 d 50 0 0\nW 1048576 4096 d 50 0 0\n' >>trace
exits 1 imgbench --trace=trace -f raw trace.raw 2>err
same "imgbench: trace: line 13: 4096 bytes at 1048576 are not inside the disk of 1048576 bytes" \
	"$(cat err)" "beyond the disk"
# What is missing is told, not what the half of a line would mean.
for ((n = 30; n < $(stat -c %s trace.gz); n += 7)); do
	head -c $n trace.gz >cut.gz
	exits 1 imgbench --trace=cut.gz -f raw trace.raw 2>err
	grep -q '^imgbench: cut.gz: cannot be unpacked: ' err || fail "$n bytes: $(cat err)"
done
truncate -s 1044480 short.raw
exits 1 imgbench --trace=trace.gz -f raw short.raw 2>err
same "imgbench: short.raw: the trace is of a disk of 1048576 bytes, this one has 1044480" \
	"$(cat err)" "a disk that is too small"
cmp trace.raw before.raw
exits 63 imgbench --pattern=read - 2>err < <(cat trace.raw)
same "imgbench: -: a pipe has no places to go to" "$(cat err)" "a pipe"
