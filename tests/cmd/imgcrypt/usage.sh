# SPDX-License-Identifier: LGPL-2.1-or-later
# What imgcrypt refuses, and how it ends.
. "$srcdir/tests/functions.sh"

# misused WHAT ARG...
misused() {
	local what=$1
	shift

	exits 1 imgcrypt "$@" >out 2>err
	[ ! -s out ] || fail "$what: something on standard output"
	grep -q "^Try 'imgcrypt --help'" err || fail "$what: does not say where help is: $(cat err)"
}

echo key >key
misused "no verb"
misused "no such verb" lists disk
misused "no image" list
misused "two images" list one two
misused "no backup" header-backup disk
misused "a key to list with" list --key-file=key disk
misused "a new key to test" test --new-key-file=key disk
misused "work for nothing" remove-key --iter-time=10 disk
misused "work said twice" add-key --iter-time=10 --iterations=1000 disk
misused "a slot for a backup" header-backup --slot=1 disk file
misused "a slot below 0" test --slot=-1 disk
misused "a key and a slot" remove-key --key-file=key --slot=1 disk
misused "erasing without --force" erase disk
misused "a report of a test" test --output=json disk
misused "reencrypt to a new image" reencrypt disk new
misused "reencrypt that does not say so" reencrypt disk
misused "two images in place" encrypt --in-place disk new
misused "a list in place" list --in-place disk
misused "a trial of a copy" encrypt --dry-run disk new
misused "a report of a copy" decrypt --output=json disk new
misused "another format in place" encrypt --in-place -O luks disk
misused "a journal of a copy" encrypt --journal=record disk new
misused "a header for what is in clear" decrypt --in-place -o version=2 disk
misused "changing what is in use" add-key --force-share disk

exits 1 imgcrypt list missing 2>err
head -c 1M /dev/zero >zeros
exits 1 imgcrypt list zeros 2>err
same "imgcrypt: zeros: it does not start as a LUKS header" "$(cat err)" "zeros"
: >empty
exits 4 imgcrypt list empty 2>err
imgcreate -q plain.qcow2 1M 2>/dev/null || imgcreate plain.qcow2 1M
exits 63 imgcrypt list plain.qcow2 2>err
same "imgcrypt: plain.qcow2: it has no key slots" "$(cat err)" "an image without encryption"
