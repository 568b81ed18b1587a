# SPDX-License-Identifier: LGPL-2.1-or-later
# No file over 600 lines, no function over 100, no line over 110 columns (a tab counts eight).
. "$srcdir/tests/functions.sh"

files=$(find "$srcdir/lib" "$srcdir/cmd" "$srcdir/tests" -name '*.[ch]')
[ -n "$files" ] || skip "no sources yet"

# A function is what lies between a "{" and the next "}" in the first column.
# shellcheck disable=SC2086
awk -v top="$srcdir/" '
function width(text,   i, n) {
	for (i = 1; i <= length(text); i++)
		n = substr(text, i, 1) == "\t" ? n + 8 - n % 8 : n + 1
	return n
}
function say(what) { sub(top, "", FILENAME); print FILENAME ":" FNR ": " what; bad = 1 }
{ columns = width($0) }
columns > 110 { say("line of " columns " columns") }
FNR == 601 { say("file of more than 600 lines") }
/^\{/ { open = FNR }
/^\}/ { if (open && FNR - open - 1 > 100) say("function of " FNR - open - 1 " lines"); open = 0 }
END { exit bad }' $files
