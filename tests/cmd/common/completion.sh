# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion offers what --help shows: options, and the values that they take.
. "$srcdir/tests/functions.sh"

ln -s "$srcdir/cmd/common/completion.bash" imgconv.completion
compopt() { :; }
complete() { completed="$*"; }
. ./imgconv.completion
same "-F _imgtools imgconv.completion" "$completed" "it is not registered under its own name"

# offers WORD...: what is offered for the last word of a command line.
offers() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_imgtools "$1"
	printf '%s\n' "${COMPREPLY[@]}"
}

same "--salvage" "$(offers imgconv --sal)" "an option"
same "--output=" "$(offers imgconv --outp)" "an option with a value"
same "--progress" "$(offers imgconv --prog)" "an option whose value may be left out"
same $'human\njson\nxml' "$(offers imgconv --output =)" "all choices"
same "json" "$(offers imgconv --output = j)" "a choice"
same "raw" "$(offers imgconv -O ra)" "a format, after a letter"
same "raw" "$(offers imgconv --target-format = ra)" "a format"
same "json" "$(offers imgconv --progress = j)" "the way of progress"
: >disk.raw
same "disk.raw" "$(offers imgconv di)" "a file"
same "disk.raw" "$(offers imgconv -B di)" "a file after an option"
for page in $(pages); do
	command=$(basename "$page" .1)
	same "--version" "$(offers "$command" --vers)" "$command"
done
