# SPDX-License-Identifier: LGPL-2.1-or-later
# Verbs, operands and options that do not go together are refused before anything is opened.
. "$srcdir/tests/functions.sh"

# refused WHY ARG...
refused() {
	local why=$1
	shift

	exits 1 imgsnap "$@" >out 2>err
	grep -q -- "$why" err || fail "$*: $(cat err)"
	grep -q "^Try 'imgsnap --help'" err || fail "$*: does not say where help is"
}

refused 'too few names are given; needed: list|create|apply' --quiet
refused '"make" is nothing that it can do' make disk.qcow2
refused 'too few names are given; needed: list IMAGE' list
refused 'too few names are given; needed: create IMAGE NAME' create disk.qcow2
refused 'too many names are given; needed: apply IMAGE SNAPSHOT' apply disk.qcow2 a b
refused 'too few names are given; needed: rename IMAGE SNAPSHOT NAME' rename disk.qcow2 a
refused 'too few names are given; needed: delete IMAGE SNAPSHOT' delete disk.qcow2
refused 'does not belong to "delete"' --discard-current delete disk.qcow2 a
refused 'for looking only' -U create disk.qcow2 a
refused 'needed: overlay BASE NEW' overlay disk.qcow2
refused 'is not given (-b)' rebase disk.qcow2
refused '"--keep" does not belong to "rebase"' --keep -b '' rebase disk.qcow2
refused '"--backing" does not belong to "flatten"' -b x flatten disk.qcow2
refused '"--dry-run" does not belong to "delete"' --dry-run delete disk.qcow2 a
