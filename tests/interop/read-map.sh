# SPDX-License-Identifier: LGPL-2.1-or-later
# imgmap gives the same zero and data ranges, at the same offsets of the file, as qemu-img map.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
requires jq --version

# ranges: what a JSON map says, neighbours joined: start, end, zero, and where the bytes lie.
ranges() {
	jq -r '[.[] | { start, end: (.start + .length), zero, depth,
			at: (if .data then .offset // null else null end) }] |
		reduce .[] as $e ([];
			if length > 0 and .[-1].zero == $e.zero and
			   ($e.zero or .[-1].depth == $e.depth) and
			   (if $e.at == null then .[-1].at == null
			    else .[-1].at != null and .[-1].at + $e.start - .[-1].start == $e.at end)
			then .[-1].end = $e.end else . + [$e] end) |
		.[] | "\(.start) \(.end) \(if .zero then "zero" else .depth end) \(.at)"'
}

# agrees IMAGE
agrees() {
	same "$(qemu-img map --output=json "$1" | ranges)" "$(imgmap --output=json "$1" | ranges)" \
		"map of $1"
}

# image NAME [convert's OPTION...]
image() {
	qemu-img convert -f raw -O qcow2 "${@:2}" disk.raw "$1"
	agrees "$1"
}

make_disk disk.raw $((11 * mib + 12288))
image plain.qcow2
image small.qcow2 -o cluster_size=512
image large.qcow2 -o cluster_size=2M
image old.qcow2 -o compat=0.10
image packed.qcow2 -c
image extended.qcow2 -o extended_l2=on,cluster_size=16k
image outside.qcow2 -o data_file=outside.data
agrees disk.raw

qemu-img create -q -f qcow2 -b plain.qcow2 -F qcow2 over.qcow2
qemu-io -c 'write 64k 1M' -c 'write -z 2M 1M' -c 'write -z -u 3M 64k' -c 'discard 64k 128k' \
	over.qcow2 >/dev/null
agrees over.qcow2
qemu-img create -q -f qcow2 -b plain.qcow2 -F qcow2 -o extended_l2=on over-extended.qcow2
qemu-io -c 'write 66k 2k' -c 'write -z 132k 6k' -c 'write 190k 100k' -c 'discard 64k 128k' \
	over-extended.qcow2 >/dev/null
agrees over-extended.qcow2
