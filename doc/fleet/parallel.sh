#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# parallel.sh CATALOGUE RESULTS [OPTION]...
# All of a catalogue by GNU parallel: $JOBS images at once (2) on each of $HOSTS, a list with commas in
# which ":" is this machine.  What fails is tried on another machine, $TRIES times in all (2): one that is
# gone fails everything at once.  Run again, it does what failed or was not done.
# The exit status is the number of images that are not made, 101 for more than 100.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/by-parallel.sh"
catalogue=$(realpath "$1")
mkdir -p "$2"
results=$(realpath "$2")
shift 2

# The numbers of the lines whose image is not made.
missing() {
	for number in $(seq "$(grep -c '' "$catalogue")"); do
		status=
		[ ! -e "$results/$number.exit" ] || read -r status <"$results/$number.exit" || :
		[ "$status" = 0 ] || echo "$number"
	done
}

by_parallel sh "$here/convert.sh" "$catalogue" '{}' "$results" "$@"
