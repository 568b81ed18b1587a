# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of every command of imgtools. It is installed under the name of each; what options
# there are, and which values they take, is asked from the command's own --help.

# One "--name" or "--name=VALUE" a line, as --help shows them; [=...] is a value that may be left out.
_imgtools_options() {
	LC_ALL=C "$1" --help 2>/dev/null |
		sed -nE 's/^ +(-.,|   ) (--[a-z-]+)(\[?=?[^ ]*).*/\2\3/p'
}

_imgtools_values() {
	case $2 in
	FORMAT) LC_ALL=C imginfo --formats 2>/dev/null | sed 's/ .*//' ;;
	*\|*) tr '|' '\n' <<<"$2" ;;
	json\[:FD\]) echo json ;;
	esac
}

# The value that the option $2 of the command $1 takes, or nothing.
_imgtools_value_of() {
	if [[ $2 = --* ]]; then
		_imgtools_options "$1" | sed -nE "s/^$2\[?=([^]]*(\[.*\])?)\]?$/\1/p"
	else
		LC_ALL=C "$1" --help 2>/dev/null | sed -nE "s/^  $2, --[a-z-]+=([^ ]*).*/\1/p"
	fi
}

_imgtools() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} value

	# bash takes "=" for a word of its own.
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	[[ $prev != -* ]] || value=$(_imgtools_value_of "$1" "$prev")
	if [ -n "$value" ] && [ "$value" != FILE ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_imgtools_values "$1" "$value")" -- "$cur")
	elif [[ $cur = -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_imgtools_options "$1" |
			sed -E 's/\[=.*//; s/=.*/=/')" -- "$cur")
		[[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
	else
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

complete -F _imgtools "${BASH_SOURCE[0]##*/}"
