# SPDX-License-Identifier: LGPL-2.1-or-later
# A qcow2 that was cut short: status 4, a message with the first missing guest byte, no target.
# With --salvage all that exists is copied, and exactly the rest is listed.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

make_disk disk.raw $((11 * mib))

# lost_by_map IMAGE BYTES: guest ranges whose stored bytes lie beyond BYTES, from the whole image's
# own map, joined.  A compressed cluster that begins before BYTES, if only just, is taken for whole:
# its last sector need not be full.
lost_by_map() {
	imgmap --output=json "$1" | jq -r --argjson cut "$2" '
		[.[] | select(.data) |
		 (if .compressed then if ."stored-offset" + 512 > $cut then 0 else .length end
		  else [([$cut - .offset, 0] | max), .length] | min end) as $kept |
		 select($kept < .length) | { start: (.start + $kept), length: (.length - $kept) }] |
		reduce .[] as $e ([];
			if length > 0 and .[-1].start + .[-1].length == $e.start
			then .[-1].length += $e.length else . + [$e] end) |
		.[] | "\(.start) \(.length)"'
}

# places IMAGE: where to cut it: in the middle of plain data, between compressed clusters.
places() {
	imgmap --output=json "$1" | jq '
		[.[] | select(.data) | if .compressed then ."stored-offset" else .offset + 4173 end] |
		sort | .[length * 2 / 5 | floor], .[length * 3 / 4 | floor], .[length - 1]'
}

# The disk with the given ranges zeroed: what a salvage must give.
zeroed() {
	local start length

	cp disk.raw expected.raw
	while read -r start length; do
		place expected.raw "$start" /dev/zero "$length"
	done
}

# cut_at IMAGE BYTES
cut_at() {
	local first

	head -c "$2" "$1" >cut.qcow2
	lost_by_map "$1" "$2" >lost.txt
	exits 4 imgconv cut.qcow2 out.raw 2>message.txt
	first=$(head -n 1 lost.txt | cut -d ' ' -f 1)
	grep -qw "$first\|$(printf '0x%x' "$first")" message.txt ||
		fail "$1 cut at $2: not said that $first is the first missing byte: $(cat message.txt)"
	[ ! -e out.raw ] || fail "$1 cut at $2: a target is left"

	exits 4 imgconv --salvage --output=json cut.qcow2 out.raw >report.json 2>message.txt
	same "$(cat lost.txt)" \
		"$(jq -r '."lost-extents"[] | "\(.start) \(.length)"' report.json)" \
		"$1 cut at $2: the lost extents"
	zeroed <lost.txt
	cmp out.raw expected.raw || fail "$1 cut at $2: not all was salvaged"
	rm out.raw
}

for how in '' -c '-o extended_l2=on' '-c -o compression_type=zstd'; do
	# shellcheck disable=SC2086
	qemu-img convert $how -f raw -O qcow2 disk.raw image.qcow2
	for place in $(places image.qcow2); do
		cut_at image.qcow2 "$place"
	done
done

# Not even the tables are there: everything is missing, from the first byte on.
for bytes in 70000 131072; do
	head -c $bytes image.qcow2 >cut.qcow2
	status=0
	imgconv cut.qcow2 out.raw 2>message.txt || status=$?
	[ $status = 4 ] || fail "status $status when only $bytes bytes are left"
	[ ! -e out.raw ] || fail "a target is left"
done
