# SPDX-License-Identifier: LGPL-2.1-or-later
# Each id of imgcheck --findings has one sample, which has this finding and no other.
. "$srcdir/tests/functions.sh"
requires jq --version
requires xz --version

samples=$srcdir/testdata/check
imgcheck --findings --output=json >kinds

# files_in FOLDER: its samples and what they name.
files_in() {
	(cd "$1" && shopt -s nullglob && printf '%s\n' *.{qcow2,qcow,cow,vdi,vmdk,cloop,luks,img} *.xz data.raw below.bin)
}

# ids_of FOLDER: those that have samples there, each as often as it has.
ids_of() {
	files_in "$1" | grep -v '^\(data.raw\|below.bin\)$' | sed 's/\.xz$//; s/\.[^.]*$//' | sort
}
same "$(jq -r '.kinds[].id' kinds | sort)" "$(ids_of "$samples")" "one sample for each id"

# The manual tells of each structure, in the paragraph of its format.
sed -n '/^\.SH FINDINGS/,/^\.SH REPAIR/p' "$srcdir/cmd/imgcheck/imgcheck.1" >manual
jq -r '.kinds[].id' kinds | cut -d. -f 1,2 | sort -u >structures
while IFS=. read -r format structure; do
	sed -n "/^\.B $format\$/,/^\.TP/p" manual | grep -qw "$structure" ||
		fail "imgcheck(1) does not tell of $format.$structure"
done <structures

# unpack FOLDER: copies its samples here.
unpack() {
	files_in "$1" | while read -r file; do cp "$1/$file" . && chmod u+w "$file"; done
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
sha256sum -- *.{qcow2,qcow,cow,vdi,vmdk,cloop,luks,img} data.raw below.bin >sums
rm -- *.{qcow2,qcow,cow,vdi,vmdk,cloop,luks,img} data.raw below.bin
mkdir made
python3 -B "$samples/make.py" made
unpack made
sha256sum --quiet -c sums || fail "make.py makes other samples"
