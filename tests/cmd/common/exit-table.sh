# SPDX-License-Identifier: LGPL-2.1-or-later
# The exit statuses that a page names are in the table of imgtools(7), and that one is the one that
# the commands are built with.
. "$srcdir/tests/functions.sh"

table=$(sed -n '/^\.SH EXIT STATUS/,/^\.SH ENV/p' "$srcdir/cmd/common/imgtools.7" |
	sed -nE 's/^\.B ([0-9]+)$/\1/p' | sort -un)
built=$(sed -nE 's/^\tCMD_[A-Z]+ *= ([0-9]+),.*/\1/p' "$srcdir/cmd/common/exit.h" | sort -un)
same "$built" "$table" "imgtools(7) and exit.h do not agree"

for page in "$srcdir"/cmd/img*/*.1; do
	named=$(sed -n '/^\.SH EXIT STATUS/,/^The table/p' "$page" | sed -nE 's/^\.B ([0-9]+)$/\1/p')
	[ -n "$named" ] || fail "$(basename "$page") names no exit status"
	for status in $named; do
		grep -qx "$status" <<<"$table" || fail "$(basename "$page"): $status is not in the table"
	done
done
