#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# convert.sh CATALOGUE N RESULTS [OPTION]...
# Makes the image of line N of a catalogue, "SOURCE<tab>TARGET", by imgconv with these options, and keeps
# in RESULTS what became of it: N.json (report), N.log (messages) and, when it has ended, N.exit (status).
# Every engine runs this; it may be run again at any time.
set -u

number=$2 kept=$3/$2
line=$(sed -n "${number}p" "$1") || exit
shift 3

# What an earlier run left must not be taken for the result of this one.
rm -f "$kept.json" "$kept.exit"
tab=$(printf '\t')
[ "${line#*"$tab"}" != "$line" ] || {
	echo "convert.sh: line $number of the catalogue is not SOURCE<tab>TARGET" >&2
	exit 1
}

# Engines stop this script: the copy has to end with it, and takes what is half done away.
trap '[ "${!-}" ] || exit 143; kill "$!" 2>/dev/null; wait "$!"' INT TERM
imgconv --quiet --skip-same --digest=sha256 --report="$kept.json" "$@" \
	"${line%%"$tab"*}" "${line#*"$tab"}" 2>"$kept.log" &
wait "$!"
status=$?
echo "$status" >"$kept.exit"
exit "$status"
