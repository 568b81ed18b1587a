# SPDX-License-Identifier: LGPL-2.1-or-later
# Reads every #include of the sources and fails on one that goes up, or sideways where layers do
# not know each other:
#	cmd -> copy -> image -> format -> { extent, codec, cipher, report } -> store -> base
# Drivers do not know each other; a command knows libimg.h, cmd/common and cmd/guest alone.
. "$srcdir/tests/functions.sh"

# layer FILE: what FILE belongs to, from its path below the top.
layer() {
	case $1 in
	lib/*/*) local rest=${1#lib/}; echo "${rest%%/*}" ;;
	lib/*) echo public ;;
	cmd/*) echo cmd ;;
	esac
}

# below LAYER: layers it may include besides itself.
below() {
	case $1 in
	base) ;;
	store) echo base ;;
	extent | codec | cipher | report) echo store base ;;
	format) echo extent codec cipher report store base ;;
	image) echo format extent codec cipher report store base ;;
	copy) echo image format extent codec cipher report store base ;;
	esac
}

# driver FILE: lib/format/NAME/..., else nothing.
driver() {
	case $1 in
	lib/format/*/*) local rest=${1#lib/format/}; echo "${rest%%/*}" ;;
	esac
}

# resolve FROM NAME: the file that #include "NAME" in FROM means, or nothing if generated.
resolve() {
	local d
	for d in "$(dirname "$1")" lib cmd; do
		if [ -e "$srcdir/$d/$2" ]; then
			realpath -s --relative-to="$srcdir" "$srcdir/$d/$2"
			return
		fi
	done
}

# allowed FROM TO
allowed() {
	local from to
	from=$(layer "$1")
	to=$(layer "$2")
	[ "$to" != public ] || return 0
	case $from in
	cmd) [[ $2 = cmd/common/* || $2 = cmd/guest/* || $(dirname "$2") = $(dirname "$1") ]]; return ;;
	public) return 1 ;;
	esac
	[ -z "$(driver "$2")" ] || [ "$(driver "$1")" = "$(driver "$2")" ] || return 1
	[[ " $from $(below "$from") " = *" $to "* ]]
}

bad=0 seen=0
while IFS=: read -r from name; do
	to=$(resolve "$from" "$name")
	[ -n "$to" ] || continue
	seen=$((seen + 1))
	allowed "$from" "$to" || {
		echo "$from includes $to: this arrow goes the wrong way"
		bad=$((bad + 1))
	}
done < <(cd "$srcdir" && grep -rEo --include='*.[ch]' '^[ 	]*#[ 	]*include[ 	]*"[^"]+"' lib cmd |
	sed -E 's/:.*"([^"]+)"/:\1/')

echo "$seen includes read, $bad bad"
[ "$bad" = 0 ]
