# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts about bad archives share: a source that is refused.

# refused STATUS TEXT IMGCONV-ARGUMENT...: by one sentence with that text; there is no target.
refused() {
	local status=$1 text=$2 got=0

	shift 2
	imgconv "$@" none.raw 2>said || got=$?
	[ "$got" = "$status" ] && grep -qF -- "$text" said && [ "$(wc -l <said)" = 1 ] ||
		fail "$*: exit status $got: $(cat said)"
	[ ! -e none.raw ] || fail "$*: left a target"
}
