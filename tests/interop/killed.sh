# SPDX-License-Identifier: LGPL-2.1-or-later
# Killed at any moment: the source and an old target are untouched, and nothing half-made is left.
# SIGKILL may leave a file under a temporary name, never under the target's.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"

mkdir temporary
export TMPDIR=$workdir/temporary
make_disk small.raw $((11 * mib))
for _ in 1 2 3 4 5 6; do cat small.raw noise text; done >disk.raw
rm noise text small.raw
before=$(sha256sum <disk.raw)
mkdir out
cd out

# killed SIGNAL SECONDS OPTION...: status in $status
killed() {
	local job

	imgconv "${@:3}" ../disk.raw target.qcow2 2>/dev/null &
	job=$!
	sleep "$2"
	kill -s "$1" $job 2>/dev/null || true
	status=0
	wait $job 2>/dev/null || status=$?
}

for signal in TERM INT HUP KILL; do
	for delay in 0.00 0.02 0.06 0.15; do
		for how in '' -c; do
			echo old >target.qcow2
			# shellcheck disable=SC2086
			killed $signal $delay $how
			# Also one that was killed between the last step and its end has made it whole.
			if [ $status = 0 ] || ! cmp -s target.qcow2 <(echo old); then
				judged target.qcow2 ../disk.raw "SIG$signal, $delay s, status $status"
				rm -f check.txt compare.txt
			fi
			[ $signal = KILL ] || only_files target.qcow2
			find . -mindepth 1 -delete
		done
	done
done
same "$before" "$(sha256sum <../disk.raw)" "the source"
same "" "$(ls ../temporary)" "temporary files are left"
