# SPDX-License-Identifier: LGPL-2.1-or-later
# Every option that --help shows is in the manual page, with the same letter, and the other way
# round.
. "$srcdir/tests/functions.sh"

for page in $(pages); do
	command=$(basename "$page" .1)
	shown=$("$command" --help | grep -oE '^ +(-.,|   ) --[a-z-]+' | sed 's/^ *//' | sort)
	described=$(awk '/^\.TP/ { getline; print }' "$page" | tr -d '\\' |
		sed -nE 's/^\.BR (-.) ", " (--[a-z-]+).*/\1, \2/p; s/^\.BR (--[a-z-]+).*/\1/p' | sort)
	same "$shown" "$described" "$command: the manual page and --help do not agree"
	[ "$(wc -l <<<"$shown")" -ge 3 ] || fail "$command: --help shows hardly any option"
done
