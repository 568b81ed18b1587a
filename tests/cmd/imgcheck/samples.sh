# SPDX-License-Identifier: LGPL-2.1-or-later
# Each id of imgcheck --findings has one sample, which has this finding and no other.
. "$srcdir/tests/functions.sh"
requires jq --version
requires xz --version

samples=$srcdir/testdata/check
imgcheck --findings --output=json >kinds

# ids_of FOLDER: those that have samples there, each as often as it has.
ids_of() {
	(cd "$1" && printf '%s\n' *.qcow2* *.vdi* *.vmdk*) | sed 's/\.\(qcow2\|vdi\|vmdk\)\(\.xz\)\?$//' | sort
	(cd "$1" && printf '%s\n' *.qcow2* *.vdi* *.cloop*) | sed 's/\.\(qcow2\|vdi\|cloop\)\(\.xz\)\?$//' | sort
	(cd "$1" && printf '%s\n' *.qcow2* *.qcow *.vdi*) | sed 's/\.\(qcow2\|qcow\|vdi\)\(\.xz\)\?$//' | sort
	(cd "$1" && printf '%s\n' *.qcow2* *.qcow *.cow* *.vdi*) | sed 's/\.\(qcow2\|qcow\|cow\|vdi\)\(\.xz\)\?$//' | sort
}
same "$(jq -r '.kinds[].id' kinds | sort)" "$(ids_of "$samples")" "one sample for each id"

# unpack FOLDER: copies its samples here.
unpack() {
	cp "$1"/*.qcow2* "$1"/*.vdi* "$1"/*.vmdk* "$1"/data.raw "$1"/below.bin .
	chmod u+w -- *.qcow2* *.vdi* *.vmdk* data.raw below.bin
	cp "$1"/*.qcow2* "$1"/*.vdi* "$1"/*.cloop* "$1"/data.raw .
	chmod u+w -- *.qcow2* *.vdi* *.cloop* data.raw
	cp "$1"/*.qcow2* "$1"/*.vdi* "$1"/*.qcow "$1"/data.raw .
	chmod u+w -- *.qcow2* *.qcow *.vdi* data.raw
	cp "$1"/*.qcow2* "$1"/*.vdi* "$1"/*.qcow "$1"/*.cow* "$1"/data.raw .
	chmod u+w -- *.qcow2* *.qcow *.cow* *.vdi* data.raw
	xz -df -- *.xz
}
unpack "$samples"

# also ID: what else is found in its sample.
also() {
	grep -v '^#' "$samples/also" | cut -f 1,2 | sed -n "s/^$1\t//p"
}

# worst ID...: the exit status that these findings lead to.
worst() {
	jq --arg ids "$*" '[.kinds[] | select(.id | IN($ids | split(" ") | .[])) | .severity |
		{ note: 0, leak: 1 }[.] // 2] | max | [0, 3, 2][.]' kinds
}

while read -r id severity; do
	sample=$(echo "$id".*)
	status=$(worst "$id" $(also "$id"))
	data=
	case $id in image.data.*) data=--data; exits 0 imgcheck -q "$sample" ;; esac
	exits $status imgcheck $data --output=json "$sample" >out
	same "[\"$id\",\"$severity\",1]" "$(jq -c --arg id "$id" '.findings[] |
		select(.id == $id) | [.id, .severity, .count]' out)" "what $sample is for"
	same "$(printf '%s\n' "$id" $(also "$id") | sort)" \
		"$(jq -r '.findings[].id' out | sort -u)" "all that is found in $sample"
done < <(jq -r '.kinds[] | "\(.id) \(.severity)"' kinds)

# They are what the script makes; packed bytes may differ from one version of xz to the next.
python3 --version >/dev/null 2>&1 || exit 0
sha256sum -- *.qcow2 *.vdi *.vmdk data.raw below.bin >sums
rm -- *.qcow2 *.vdi *.vmdk data.raw below.bin
sha256sum -- *.qcow2 *.vdi *.cloop data.raw >sums
rm -- *.qcow2 *.vdi *.cloop data.raw
sha256sum -- *.qcow2 *.qcow *.vdi data.raw >sums
rm -- *.qcow2 *.qcow *.vdi data.raw
sha256sum -- *.qcow2 *.qcow *.cow *.vdi data.raw >sums
rm -- *.qcow2 *.qcow *.cow *.vdi data.raw
mkdir made
python3 -B "$samples/make.py" made
unpack made
sha256sum --quiet -c sums || fail "make.py makes other samples"
