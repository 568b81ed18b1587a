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
	files_in "$1" | (cd "$1" && xargs cp -t "$workdir")
	chmod u+w -- *
	xz -df -- *.xz
}
unpack "$samples"

declare -A severity_of also
while read -r id severity; do
	severity_of[$id]=$severity
done < <(jq -r '.kinds[] | "\(.id) \(.severity)"' kinds)
# also[ID]: what else is found in its sample.
while IFS=$'\t' read -r id other _; do
	also[$id]+=" $other"
done < <(grep -v '^#' "$samples/also")

# worst ID...: $status is the exit status that these findings lead to.
worst() {
	local id

	status=0
	for id; do
		case ${severity_of[$id]} in
		note) ;;
		leak) [ $status = 2 ] || status=3 ;;
		*) status=2 ;;
		esac
	done
}

for id in "${!severity_of[@]}"; do
	sample=$(echo "$id".*)
	all="$id${also[$id]-}"
	worst $all
	data=
	case $id in image.data.*) data=--data; exits 0 imgcheck -q "$sample" ;; esac
	exits $status imgcheck $data --output=json "$sample" >out
	same "$(printf '%s\n' "[\"$id\",\"${severity_of[$id]}\",1]" $all | sort)" \
		"$(jq -r --arg id "$id" '([.findings[].id] | unique[]), (.findings[] |
			select(.id == $id) | [.id, .severity, .count] | tojson)' out | sort)" \
		"what $sample is for, and all that is found in it"
done

# They are what the script makes; packed bytes may differ from one version of xz to the next.  No code
# of ours runs in that, which a sanitizer could look at.
[ -z "${SANITIZER-}" ] || exit 0
python3 --version >/dev/null 2>&1 || exit 0
sha256sum -- *.{qcow2,qcow,cow,vdi,vmdk,cloop,luks,img} data.raw below.bin >sums
rm -- *.{qcow2,qcow,cow,vdi,vmdk,cloop,luks,img} data.raw below.bin
mkdir made
python3 -B "$samples/make.py" made
unpack made
sha256sum --quiet -c sums || fail "make.py makes other samples"
