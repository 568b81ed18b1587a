# SPDX-License-Identifier: LGPL-2.1-or-later
# What every test script starts with: `. "$srcdir/tests/functions.sh"`.
# Stops at the first failing command and works in an empty folder of its own, removed at the end.

set -euo pipefail

# Where a test says why it failed, also where its commands' messages go elsewhere.
exec {log}>&2

srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
builddir=${builddir:-$srcdir/build}

cleanups=()

# cleanup_fn COMMAND ARG...: run it when the script ends, however it ends; last in, first out.
cleanup_fn() {
	cleanups+=("$(printf '%q ' "$@")")
}

run_cleanups() {
	local status=$? command=$BASH_COMMAND i

	trap - EXIT
	set +e
	case $status,$command in
	0,* | *,exit\ *) ;;
	*) echo "ended with $status: $command" >&$log ;;
	esac
	for ((i = ${#cleanups[@]} - 1; i >= 0; i--)); do
		eval "${cleanups[i]}"
	done
	exit "$status"
}
trap run_cleanups EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# skip WHY: the test cannot run on this machine.
skip() {
	echo "skipped: $*"
	exit 77
}

# fail WHY: the test has found what it looks for.
fail() {
	echo "FAILED: $* (line ${BASH_LINENO[-2]})" >&$log
	exit 1
}

# requires COMMAND ARG...: skip the test unless the command succeeds. "requires qemu-img --version"
requires() {
	"$@" </dev/null >/dev/null 2>&1 || skip "this needs: $*"
}

# exits STATUS COMMAND ARG...: the command must end with exactly that exit status.
exits() {
	local want=$1 got=0

	shift
	"$@" || got=$?
	[ "$got" = "$want" ] || fail "exit status $got instead of $want: $*"
}

# pages: the manual pages of the commands that this build has.
pages() {
	local page command

	for page in "$srcdir"/cmd/img*/*.1; do
		command=$(basename "$page" .1)
		[ ! -x "$builddir/cmd/$command/$command" ] || echo "$page"
	done
}

# patiently COMMAND...: a hundred times if need be.  QEMU measures how much of the processor a key takes;
# that is nothing by a coarse clock more often than not, and then it fails.
patiently() {
	local tries

	for ((tries = 1; tries < 100; tries++)); do
		! "$@" 2>/dev/null || return 0
	done
	"$@"
}

# few ALL FEW: how many cases a test goes through; sanitizers make each cost ten times as much.
# $SANITIZER is "address" or "thread" in the builds of variants.mk that have one.
few() {
	[ "${SANITIZER-}" ] && echo "$2" || echo "$1"
}

# left_out: true for three of four calls in a build that looks for data races, where what differs in
# its data only is the same case.
cases=0
left_out() {
	[ "${SANITIZER-}" = thread ] && [ $((cases++ % 4)) != 0 ]
}

# becomes COMMAND ARG...: waits until it succeeds; false when it does not within a minute.
becomes() {
	local tries

	for ((tries = 0; tries < 3000; tries++)); do
		! "$@" || return 0
		sleep 0.02
	done
	return 1
}

# same WANT GOT WHAT: two texts must be equal; shows how they differ.
same() {
	[ "$1" = "$2" ] || {
		diff -u --label expected --label found <(echo "$1") <(echo "$2") >&$log || true
		fail "$3"
	}
}

workdir=$(mktemp -d "${TMPDIR:-/tmp}/imgtools-test.XXXXXX")
cleanup_fn rm -rf "$workdir"
cd "$workdir"
