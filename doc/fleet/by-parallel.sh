# SPDX-License-Identifier: LGPL-2.1-or-later
# by_parallel COMMAND ARG...: does by GNU parallel what is missing, and exits with how much of it still is.
# Each line that the function `missing` prints is one piece of work, for which "{}" in ARG stands.
# What is there, and nothing that GNU parallel says or remembers, tells what is done: of a machine whose sshd
# sets no SHELL it says that all is well, and nothing has run.

by_parallel() {
	missing | parallel --no-run-if-empty --quote --sshlogin "${HOSTS:-:}" --workdir "$PWD" \
		--jobs "${JOBS:-2}" --joblog "$results/jobs" --retries "${TRIES:-2}" --sshdelay 0.1 "$@" &
	engine=$!
	# The first wait ends with a signal, which ends the copies, the second when they have ended.
	trap 'kill "$engine" 2>/dev/null' INT TERM
	wait "$engine" || :
	wait "$engine" 2>/dev/null || :
	left=$(missing | wc -l)
	exit $((left > 100 ? 101 : left))
}
