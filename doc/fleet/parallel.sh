#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# parallel.sh CATALOGUE RESULTS [OPTION]...
# All of a catalogue by GNU parallel: $JOBS images at once (2) on each of $HOSTS, a list with commas in
# which ":" is this machine.  What fails is tried on another machine, $TRIES times in all (2): one that is
# gone fails everything at once.  Run again, it does what failed or was not done.
# The exit status is the number of images that failed, 101 for more than 100.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
catalogue=$(realpath "$1")
mkdir -p "$2"
results=$(realpath "$2")
shift 2
exec parallel --quote --sshlogin "${HOSTS:-:}" --workdir "$PWD" --jobs "${JOBS:-2}" \
	--arg-file "$catalogue" --joblog "$results/jobs" --resume-failed \
	--retries "${TRIES:-2}" --sshdelay 0.1 \
	sh "$here/convert.sh" "$catalogue" '{#}' "$results" "$@"
