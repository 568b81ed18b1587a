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
imgconv -q --timeout 1 -r 8M -n -O raw disk.raw rbd:rbd/slow 2>err &
copy=$!
sleep 0.7
kill -STOP "$ceph_osd"
status=0
wait $copy || status=$?
same 1 "$status" "a cluster that does not answer: $(cat err)"
grep -q 'rbd:rbd/slow: .*[Tt]imed out' err || fail "$(cat err)"
kill -KILL "$ceph_monitor"
says 'cannot connect to the cluster: Connection timed out' imginfo --timeout 1 rbd:rbd/slow
