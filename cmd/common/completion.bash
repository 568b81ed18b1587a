# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of every command of imgtools. It is installed under the name of each; what options
# there are, and which values they take, is asked from the command's own --help.

# What --help shows: one option a line, as LETTER NAME VALUE, "none" where there is no letter or
# no value. A name that needs its value ends in "=".
_imgtools_options() {
	LC_ALL=C "$1" --help 2>/dev/null | sed -nE \
		-e 's/^      (--[a-z-]+)/none, \1/' -e 's/^  (-.), --/\1, --/' \
		-e 's/^([^ ]+), (--[a-z-]+)\[=(.*)\]( .*|$)/\1 \2 \3/p' \
		-e 's/^([^ ]+), (--[a-z-]+)=([^ ]+).*/\1 \2= \3/p' \
		-e 's/^([^ ]+), (--[a-z-]+)( .*|$)/\1 \2 none/p'
}

_imgtools_names() {
	_imgtools_options "$1" | cut -d ' ' -f 2
}

# The value that the option $2, a letter or a name, of the command $1 takes.
_imgtools_value_of() {
	local letter name value

	while read -r letter name value; do
		[ "$2" != "$letter" ] && [ "$2" != "${name%=}" ] || echo "$value"
	done < <(_imgtools_options "$1")
}

_imgtools_words() {
	case $1 in
	FORMAT) LC_ALL=C imginfo --formats 2>/dev/null | cut -d ' ' -f 1 ;;
	json\[:FD\]) echo json ;;
	*\|*) tr '|' '\n' <<<"$1" ;;
	esac
}

_imgtools() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} value=

	# bash takes "=" for a word of its own.
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	[[ $prev != -* ]] || value=$(_imgtools_value_of "$1" "$prev")
	if [[ $cur = -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_imgtools_names "$1")" -- "$cur")
		[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
	elif [[ -n $value && $value != none && $value != FILE ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_imgtools_words "$value")" -- "$cur")
	else
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

complete -F _imgtools "${BASH_SOURCE[0]##*/}"
