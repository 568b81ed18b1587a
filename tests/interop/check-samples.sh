# SPDX-License-Identifier: LGPL-2.1-or-later
# The samples of all that imgcheck can find: qemu-img check has the same exit status, or there is a
# known reason why it has not.
. "$srcdir/tests/functions.sh"
requires qemu-img --version
requires xz --version

samples=$srcdir/testdata/check
cp "$samples"/*.{qcow2,qcow,vdi,vmdk} "$samples"/*.xz "$samples"/{data.raw,below.bin} .
chmod u+w -- *.{qcow2,qcow,vdi,vmdk,xz} data.raw below.bin
xz -df -- *.xz

# status COMMAND...: how it exits.
status() {
	local got=0

	"$@" >/dev/null 2>&1 || got=$?
	echo $got
}

same "" "$(sed 's/#.*//; s/[[:space:]].*//' "$samples/qemu-img" | while read -r id; do
	[ -z "$id" ] || [ -n "$(find . -name "$id.*")" ] || echo "$id"
done)" "reasons for what is no sample"

for sample in *.{qcow2,qcow,vdi,vmdk}; do
	id=${sample%.*} format=${sample##*.}
	data=
	case $id in image.data.*) data=--data ;; esac
	ours=$(status imgcheck $data "$sample")
	theirs=$(status qemu-img check -f "$format" "$sample")
	known=$(awk -v id="$id" '$1 == id { print $2 }' "$samples/qemu-img")
	# A later version may agree where 7.2 did not.
	[ "$theirs" = "$ours" ] || [ "$theirs" = "$known" ] ||
		echo "$id: $theirs, ours $ours, known ${known:-none}"
done >differences
[ ! -s differences ] || fail "qemu-img check sees it differently: $(cat differences)"
