# SPDX-License-Identifier: LGPL-2.1-or-later
# TERM and INT leave the old target as it was and nothing else, and show as 128 plus the signal; even
# a copy that waits for its rate ends at once.
. "$srcdir/tests/functions.sh"

dd if=/dev/urandom of=disk.raw bs=1M count=8 status=none
echo precious >target.qcow2
for signal in TERM INT HUP; do
	# A shell starts background jobs with INT ignored, and imgconv would respect that.
	env --default-signal=INT,HUP imgconv --rate-limit=100k disk.raw target.qcow2 2>err &
	pid=$!
	sleep 0.5
	SECONDS=0
	kill -$signal $pid
	status=0
	wait $pid || status=$?
	[ $SECONDS -lt 20 ] || fail "it went on for $SECONDS seconds after $signal"
	same $((128 + $(kill -l $signal))) "$status" "status after $signal"
	same precious "$(cat target.qcow2)" "target after $signal"
	same $'disk.raw\nerr\ntarget.qcow2' "$(ls)" "left behind after $signal"
done

# A file that gets longer than the shell allows is a failure as any other.
exits 1 bash -c 'ulimit -f 1024; exec imgconv disk.raw target.qcow2' 2>err
grep -q 'File too large' err || fail "the limit: $(cat err)"
same precious "$(cat target.qcow2)" "target at the limit"
same $'disk.raw\nerr\ntarget.qcow2' "$(ls -A)" "left behind at the limit"
