#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# limits.sh [NAME=VALUE]...
# The table of "What limits it" in doc/fleet.md: what 1 to 1000 writers need so that they are the narrowest
# place, and how long they take.  Names are those of the page, numbers in GiB, GiB/s, and seconds of a core
# for a GiB; those of a cluster of yours take the place of the ones below.
set -eu

for setting; do
	shift
	set -- "$@" -v "$setting"
done
exec awk -v D=1048576 -v w=0.70 -v c=0.64 -v n=2.9 -v d=0.78 -v r=3 "$@" '
function up(x) { return x == int(x) ? x : int(x) + 1 }
function two(x) { return x < 9.95 ? sprintf("%.1f", x) : sprintf("%.0f", x) }
function time(s) {
	if (s >= 86400) return two(s / 86400) " days"
	if (s >= 3600) return two(s / 3600) " hours"
	return two(s / 60) " minutes"
}
BEGIN {
	for (W = 1; W <= 1000; W *= 10)
		printf "| %d | %g GiB/s | %s | %d | %s | %d |\n",
			W, W * w, time(D / (W * w)), up(W * w / n), two(W * w * c), up(W * w * r / d)
}'
