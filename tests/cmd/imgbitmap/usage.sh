# SPDX-License-Identifier: LGPL-2.1-or-later
# Options that do not go together are refused before anything is opened.
. "$srcdir/tests/functions.sh"

# refused WHY ARG...
refused() {
	local why=$1
	shift

	exits 1 imgbitmap "$@" >out 2>err
	grep -q -- "$why" err || fail "$*: $(cat err)"
	grep -q "^Try 'imgbitmap --help'" err || fail "$*: does not say where help is"
}

refused 'only lists' --extents --add disk.qcow2 a
refused 'for looking only' -U --add disk.qcow2 a
refused 'belongs to --add' -g 64k disk.qcow2
refused 'not a size from 1 on' --add -g 0 disk.qcow2 a
refused 'belong to --merge' -b other.qcow2 --clear disk.qcow2 a
refused 'belongs to --source-file' -F qcow2 --merge b disk.qcow2 a
refused 'name of the bitmap is not given' --add disk.qcow2
refused 'name of the bitmap is not given' --extents disk.qcow2
refused '' disk.qcow2 a b
