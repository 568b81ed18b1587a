#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# split.sh SOURCE TARGET PARTS RESULTS [OPTION]...
# One image by several writers: each copies a part of it into a raw target that is there, as large as the
# disk and all zeros.  $JOBS parts at once (2) on each of $HOSTS, a list with commas in which ":" is this
# machine.  What fails is tried on another machine, $TRIES times in all (2).  Run again, it does the parts
# that failed or were not done.
# The exit status is the number of parts that are not there, 101 for more than 100; 255: nothing was done.
set -eu
. "$(dirname "$0")/by-parallel.sh"

# refuse WHY
refuse() {
	echo "split.sh: $*" >&2
	exit 255
}

source=$1 target=$2 parts=$3
[ "$parts" -gt 0 ] 2>/dev/null || refuse "\"$parts\" is no number of parts"
mkdir -p "$4"
results=$(realpath "$4")
shift 4

# Parts are known by their number: those of another split must not count as done.
printf '%s\n' "$source" "$target" "$parts" >"$results/split.new"
[ ! -e "$results/split" ] || cmp -s "$results/split" "$results/split.new" ||
	refuse "$results holds the results of another split"
mv "$results/split.new" "$results/split"

# Whole objects of Ceph as they are unless said: no two writers meet in one.
grain=$((4 << 20))
size=$(imginfo --output=json "$source" | jq '."virtual-size"')
[ "${size:-0}" -gt 0 ] || refuse "$source has no size"
part=$(((size + parts * grain - 1) / (parts * grain) * grain))

for start in $(seq 0 "$part" $((size - 1))); do
	rest=$((size - start))
	echo "$start+$((rest < part ? rest : part))"
done >"$results/parts"

# The parts that are not there: what fails has no report.
missing() {
	while read -r range; do
		[ -e "$results/part-$range.json" ] || echo "$range"
	done <"$results/parts"
}

by_parallel imgconv --quiet -n --target-is-zero -O raw --range='{}' --digest=sha256 \
	--report="$results/part-{}.json" "$@" "$source" "$target"
