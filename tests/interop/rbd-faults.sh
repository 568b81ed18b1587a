# SPDX-License-Identifier: LGPL-2.1-or-later
# What goes wrong on a Ceph cluster: one sentence, a bounded time, and no half image with a name.
. "$srcdir/tests/functions.sh"
. "$srcdir/tests/interop/judge.sh"
. "$srcdir/tests/ceph.sh"

# says TEXT COMMAND...: fails within its time, with this text in one line.
says() {
	local status=0

	timeout 60 "${@:2}" 2>err || status=$?
	same 1 "$status" "exit status of ${*:2}: $(cat err)"
	same 1 "$(wc -l <err)" "lines of: $(cat err)"
	grep -q "$1" err || fail "\"$1\" is not in: $(cat err)"
}

start_ceph
make_disk disk.raw $((24 * mib))

# ---- Nobody there, or nobody who may

says 'rbd:rbd/none: the image cannot be opened: No such file' imginfo rbd:rbd/none
says 'pool "none" cannot be opened: No such file' imginfo rbd:none/x
says 'the pool "rbd" has no namespace "none"' imginfo rbd:rbd/none/x
says 'the pool "rbd" has no namespace "none"' imgconv -q -O raw disk.raw rbd:rbd/none/x
says 'pool "none" cannot be opened' imgcreate -q -f raw -o data_pool=none rbd:rbd/x 1M
says 'names a pool, but no image' imginfo rbd:rbd
says 'Ceph takes no setting "hope"' imginfo rbd:rbd/x:hope=1
says 'none.conf: No such file' imginfo rbd:rbd/x:conf=none.conf
ceph-authtool wrong --create-keyring --gen-key -n client.admin >/dev/null
says 'cannot connect to the cluster: Permission denied' imginfo "rbd:rbd/x:keyring=$PWD/wrong"
says 'cannot connect to the cluster: Permission denied' imginfo --ceph-id nobody rbd:rbd/x
says 'no monitor, or no key, is found' imginfo rbd:rbd/x:keyring=/none:auth_client_required=cephx

# ---- In use

imgcreate -q -f raw rbd:rbd/used 100M
rbd lock add used here
says 'rbd:rbd/used: is in use by the client at 127.0.0.1' imgconv -q -n -O raw disk.raw rbd:rbd/used
says 'is in use' imgconv -q -O raw rbd:rbd/used out.raw
imgconv -q -U -O raw rbd:rbd/used out.raw
rbd lock rm used here "$(rbd lock ls --format json used | jq -r '.[0].locker')"
exec 3> >(exec rbd bench --io-type write --io-size 4K --io-threads 1 --io-total 4G used >bench.txt 2>&1)
writer=$!
cleanup_fn kill -KILL "$writer"
is_watched() { rbd status used | grep -q watcher=; }
becomes is_watched
says 'is in use' imgconv -q -n -O raw disk.raw rbd:rbd/used
kill -KILL "$writer"
exec 3>&-
# What a writer that died had locked nobody has.
becomes imgconv -q -n -O raw disk.raw rbd:rbd/used 2>err || fail "$(cat err)"

# ---- Cut off

imgconv -q -r 8M -O raw disk.raw rbd:rbd/cut &
copy=$!
is_begun() { rbd ls | grep -q "^$1\.imgtools-[0-9a-f]*\.part$"; }
becomes is_begun cut
kill -KILL $copy
wait $copy 2>/dev/null || true
is_begun cut || fail "what says that it is no image is gone"
! rbd ls | grep -qx cut || fail "half a copy has a name"
imgconv -q -r 8M -O raw disk.raw rbd:rbd/stopped &
copy=$!
becomes is_begun stopped
kill -TERM $copy
wait $copy 2>/dev/null || true
! rbd ls | grep -q stopped || fail "a copy that was stopped is still there"

# Of two at one new name one has it, and the other says so.
make_disk other.raw $((24 * mib))
for i in 1 2 3; do
	imgconv -q -O raw disk.raw rbd:rbd/two$i 2>err1 &
	first=$!
	imgconv -q -O raw other.raw rbd:rbd/two$i 2>err2 && second=0 || second=$?
	wait $first && first=0 || first=$?
	same 1 $((first + second)) "those that failed of two writers: $(cat err1 err2)"
	imgcmp -q rbd:rbd/two$i "$([ $first = 0 ] && echo disk.raw || echo other.raw)"
	! is_begun two$i || fail "the second of two writers left something"
done

# ---- Gone while it is read: what is no more reads as zeros

imgconv -q -O raw disk.raw rbd:rbd/gone
for what in "rm gone" "snap rm two1@gone"; do
	rbd snap create --no-progress two1@gone 2>>"$ceph_dir/said" || true
	mkfifo pipe
	imgconv -q -r 8M -O raw "rbd:rbd/${what##* }" - 2>err >pipe &
	copy=$!
	exec 4<pipe
	head -c 65536 <&4 >begun
	rbd ${what% *} --no-progress "${what##* }"
	cat <&4 >rest
	exec 4<&-
	status=0
	wait $copy || status=$?
	same 1 "$status" "read although removed: $what"
	grep -q 'was removed while it was read' err || fail "$(cat err)"
	rm pipe
done
rbd snap create --no-progress two1@gone 2>>"$ceph_dir/said"
mkfifo pipe
imgcmp -q rbd:rbd/two1@gone pipe 2>err &
compare=$!
exec 4>pipe
rbd snap rm --no-progress two1@gone
rbd export --no-progress two1 - >&4 2>>"$ceph_dir/said" || true	# it may have ended
exec 4>&-
status=0
wait $compare || status=$?
same 2 "$status" "compared although removed: $(cat err)"

# ---- Who may not

may() { ceph auth get-or-create "client.$1" mon 'profile rbd' osd "$2" -o "$1.keyring"; }
may reader 'profile rbd-read-only pool=rbd'
may writer 'profile rbd pool=rbd'
new_pool data
imgcmp -q "rbd:rbd/two2:id=reader:keyring=reader.keyring" rbd:rbd/two2
says 'the image cannot be made: Operation not permitted' \
	imgconv -q -O raw disk.raw rbd:rbd/new:id=reader:keyring=reader.keyring
says 'pool "data" cannot be used: Operation not permitted' \
	imgconv -q -O raw -o data_pool=data disk.raw rbd:rbd/new:id=writer:keyring=writer.keyring
imgconv -q -O raw disk.raw rbd:rbd/new:id=writer:keyring=writer.keyring
imgcmp -q rbd:rbd/new disk.raw

# ---- A full pool

new_pool small
ceph osd pool set-quota small max_bytes 1048576 >/dev/null 2>&1
imgconv -q -O raw disk.raw rbd:small/filling
is_full() { ceph osd pool ls detail --format json | jq -e '.[] | select(.pool_name == "small") | .flags_names | test("full")' >flags; }
becomes is_full || fail "the pool does not get full"
says 'Disk quota exceeded\|No space left' imgconv -q -O raw disk.raw rbd:small/full
! rbd ls small | grep -q full || fail "half a copy is in a full pool"

# ---- Who does not answer

imgcreate -q -f raw rbd:rbd/slow 24M
imgconv -q --timeout 30 -r 8M -n -O raw disk.raw rbd:rbd/slow 2>err &
copy=$!
sleep 0.7
kill -STOP "$ceph_osd"
sleep 1
kill -CONT "$ceph_osd"
wait $copy || fail "a short silence did harm: $(cat err)"
imgcmp -q rbd:rbd/slow disk.raw

# silent ARG...: in the middle of this copy the store of objects stops, until the copy has ended.
silent() {
	local status=0

	timeout 120 imgconv -q --timeout 1 -r 8M -O raw disk.raw "$@" 2>err &
	copy=$!
	sleep 0.7
	kill -STOP "$ceph_osd"
	wait $copy || status=$?
	kill -CONT "$ceph_osd"
	same 1 "$status" "a cluster that does not answer: $(cat err)"
	grep -q '[Tt]imed out' err || fail "$(cat err)"
}

silent -n rbd:rbd/slow
silent rbd:rbd/silent
left=$(sed -n 's/.*stays as "\(silent\.imgtools-[0-9a-f]*\.part\)".*/\1/p' err)
rbd ls | grep -qx "$left" || fail "what is left is not what was said: $(cat err)"
! rbd ls | grep -qx silent || fail "half a copy has a name"
becomes rbd rm --no-progress "$left" 2>>"$ceph_dir/said" || fail "$left cannot be removed"
kill -STOP "$ceph_osd"
kill -KILL "$ceph_monitor"
says 'cannot connect to the cluster: Connection timed out' imginfo --timeout 1 rbd:rbd/slow
