# SPDX-License-Identifier: LGPL-2.1-or-later
# The table: cells in order, ratios, medians of counts, and a folder that is left as it was.
. "$srcdir/tests/functions.sh"
requires jq --version

mkdir images
table() {
	imgbench --dir=images --output=json "$@" >out
}
table --formats=raw --caches=writeback,writethrough,unsafe --size=1M --pattern=write \
	--requests=12 --flush-every=4 --repeat=3 --verify
same '[["writeback","raw",1],["writethrough","raw",1],["unsafe","raw",1]]' \
	"$(jq -c '[.cells[] | [.cache, .format, .ratio]]' out)" "cells"
same '[[12,49152,3],[12,49152,12],[12,49152,0]]' \
	"$(jq -c '[.cells[] | [.writes, ."written-bytes", .syncs]]' out)" "counts"
same '[[36,9],[36,9],[36,9]]' "$(jq -c '[.cells[].kinds | map(.requests)]' out)" "in all runs"
same '[3,3,3]' "$(jq -c '[.cells[].runs | length]' out)" "runs"
same '[true,true,3]' "$(jq -c '[.verified, (.cells | all(([.runs[].seconds] | sort) ==
	[."least-seconds", .seconds, ."most-seconds"])), .repeat]' out)" "times"
same "" "$(ls images)" "left behind"

printf '# recdisk 1 size 2097152\nW 0 4096 d 50 0 0\n' >trace
table --formats=raw --trace=trace --keep --cache=unsafe
same 2097152 "$(jq '."disk-size"' out)" "the size of the trace"
same unsafe "$(jq -r '.cells[].cache' out)" "--cache is the mode when there is no list"
same raw-unsafe.img "$(ls images/imgbench.*)" "--keep"
imgbench -q --trace=trace --verify-only -f raw images/imgbench.*/raw-unsafe.img
rm -r images/imgbench.*
table --formats=raw --trace=trace --size=4M -o preallocation=off
same 4194304 "$(jq '."disk-size"' out)" "--size"

# What is read after --fill comes out of the file.
table --formats=raw,qcow2 --caches=none --size=4M --pattern=read --requests=100 --fill --keep
for image in images/imgbench.*/*.img; do
	imgbench --pattern=read --requests=100 --output=json "$image" >out
	same true "$(jq '.file.reads >= 100 and .file."read-bytes" >= 409600' out)" "$image: --fill"
	imgmap --output=json "$image" >map
	same 4194304 "$(jq '[.[] | select(.data) | .length] | add' map)" "$image: all of it"
done
rm -r images/imgbench.*

# Ratios are to raw, wherever it stands, or to the first one.
table --formats=qcow2,raw --caches=writeback,none --size=4M --pattern=randwrite --requests=50 \
	--repeat=2 --verify
same '[1,1,true]' "$(jq -c '.cells |
	[.[1].ratio, .[3].ratio, .[2].seconds / .[3].seconds == .[2].ratio]' out)" "ratios"
table --formats=qcow2 --size=4M --pattern=write --requests=9
same 1 "$(jq '.cells[0].ratio' out)" "the ratio of the only one"

exits 1 table --formats=raw --trace=trace --size=1M 2>err
same "imgbench: the trace is of a disk of 2097152 bytes, this one has 1048576" "$(cat err)" small
exits 1 imgbench --formats=raw --trace=trace --dir=nowhere 2>err
grep -q '^imgbench: nowhere: no folder can be made in it: ' err || fail "$(cat err)"
same "" "$(ls images)" "left behind after a failure"
