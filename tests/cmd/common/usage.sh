# SPDX-License-Identifier: LGPL-2.1-or-later
# What all commands do alike: help and version on standard output, wrong usage on standard error
# with its own status, and no write error is lost.
. "$srcdir/tests/functions.sh"

for page in $(pages); do
	command=$(basename "$page" .1)
	wrong=1
	[ "$command" != imgcmp ] || wrong=2
	exits 0 "$command" --help >out 2>err
	grep -q "^Usage: $command " out || fail "$command --help shows no usage"
	[ ! -s err ] || fail "$command --help writes to standard error"
	exits 0 "$command" --version >out
	grep -qE "^$command \(imgtools\) [0-9]+\.[0-9]" out || fail "$command --version: $(cat out)"

	exits "$wrong" "$command" --no-such-option >out 2>err
	grep -q "^Try '$command --help'" err || fail "$command does not say where help is"
	[ ! -s out ] || fail "$command writes its complaint to standard output"
	exits "$wrong" "$command" 2>err
	exits "$wrong" "$command" --help >/dev/full 2>err
	grep -q "^$command: cannot write to standard output: " err || fail "lost: $(cat err)"
	exits "$wrong" "$command" --help >&- 2>err
	grep -q "^$command: cannot write to standard output: " err || fail "lost: $(cat err)"
	exits 0 "$command" --version >out 2>&1 <&-
done
