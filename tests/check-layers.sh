# SPDX-License-Identifier: LGPL-2.1-or-later
# Reads every #include of the sources and fails on one that goes up, or sideways where layers do
# not know each other:
#	cmd -> copy -> image -> format -> { extent, codec, cipher, report } -> store -> base
# ovf, which image uses, stands on base alone.
# Drivers do not know each other; a command knows libimg.h, cmd/common and cmd/guest alone.
. "$srcdir/tests/functions.sh"

# Thousands of includes: nothing here starts a process, so answers are left in variables.

# layer FILE: $layer is what FILE belongs to, from its path below the top.
layer() {
	case $1 in
	lib/*/*) layer=${1#lib/} layer=${layer%%/*} ;;
	lib/*) layer=public ;;
	cmd/*) layer=cmd ;;
	esac
}

# Layers that each may include besides itself.
declare -A below=(
	[base]=''
	[store]='base'
	[ovf]='base'
	[extent]='store base'
	[codec]='store base'
	[cipher]='store base'
	[report]='store base'
	[format]='extent codec cipher report store base'
	[image]='format ovf extent codec cipher report store base'
	[copy]='image format ovf extent codec cipher report store base'
)

# resolve FROM NAME: $to is the file that #include "NAME" in FROM means, or nothing if generated.
resolve() {
	local d

	for d in "${1%/*}" lib cmd; do
		to=$d/$2
		[ ! -e "$srcdir/$to" ] || return 0
	done
	to=
}

# allowed FROM TO
allowed() {
	local from

	layer "$1"
	from=$layer
	layer "$2"
	[ "$layer" != public ] || return 0
	case $from in
	cmd) [[ $2 = cmd/common/* || $2 = cmd/guest/* || ${2%/*} = "${1%/*}" ]]; return ;;
	public) return 1 ;;
	esac
	[[ $2 != lib/format/*/* || $1 = "${2%/*}"/* ]] || return 1
	[[ " $from ${below[$from]} " = *" $layer "* ]]
}

bad=0 seen=0
while IFS=: read -r from name; do
	[[ $name != *..* ]] || fail "$from: the way to $name goes up"
	resolve "$from" "$name"
	[ "$to" ] || continue
	seen=$((seen + 1))
	allowed "$from" "$to" || {
		echo "$from includes $to: this arrow goes the wrong way"
		bad=$((bad + 1))
	}
done < <(cd "$srcdir" && grep -rEo --include='*.[ch]' '^[ 	]*#[ 	]*include[ 	]*"[^"]+"' lib cmd |
	sed -E 's/:.*"([^"]+)"/:\1/')

echo "$seen includes read, $bad bad"
[ "$bad" = 0 ]
