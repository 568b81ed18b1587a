# SPDX-License-Identifier: LGPL-2.1-or-later
# Repair as a user meets it: plan, undo file, what is told, exit statuses.
. "$srcdir/tests/functions.sh"
requires jq --version
requires xz --version

samples=$srcdir/testdata/check

# take ID: a copy of its sample as x.qcow2, and no undo file of it.
take() {
	rm -f x.qcow2*
	cp "$samples/$1.qcow2" x.qcow2
	chmod u+w x.qcow2
	old=$(digest x.qcow2)
}

digest() {
	sha256sum <"$1"
}

# ---- A plan writes nothing ---------------------------------------------------------------------
take qcow2.refcount.low
exits 2 imgcheck --repair --dry-run x.qcow2 >out
grep -q 'would be repaired: 1 x .*\[qcow2.refcount.low\]' out || fail "$(cat out)"
same "$old" "$(digest x.qcow2)" "the image after a plan"
same x.qcow2 "$(echo x.qcow2*)" "files after a plan"
exits 2 imgcheck --repair --dry-run --output=json x.qcow2 >out
same '[true,1,0,1,"qcow2.refcount.low"]' "$(jq -c '[.planned, ."corruptions-fixed",
	."leaks-fixed", .corruptions, .repairs[0].id]' out)" "the plan as JSON"

# ---- A repair, and back ------------------------------------------------------------------------
exits 0 imgcheck --repair x.qcow2 >out
grep -q 'repaired: 1 x .*\[qcow2.refcount.low\]' out || fail "$(cat out)"
grep -q 'x.qcow2.undo' out || fail "the undo file is not named: $(cat out)"
exits 0 imgcheck -q x.qcow2
fixed=$(digest x.qcow2)
exits 0 imgcheck --repair x.qcow2 >out
grep -q 'Nothing was repaired' out || fail "$(cat out)"
same "x.qcow2 x.qcow2.undo" "$(echo x.qcow2*)" "files when there was nothing to do"
exits 1 imgcheck --repair --undo-file=x.qcow2 x.qcow2 2>err
grep -q 'x.qcow2: exists already, and must be a new file' err || fail "$(cat err)"
exits 0 imgcheck --undo x.qcow2.undo
same "$old" "$(digest x.qcow2)" "the image that was brought back"
same x.qcow2 "$(echo x.qcow2*)" "files after that"

# ---- Undo files --------------------------------------------------------------------------------
exits 0 imgcheck -q --repair --undo-file=elsewhere x.qcow2
same "$fixed" "$(digest x.qcow2)" "the same repair"
exits 1 imgcheck --undo elsewhere 2>err
grep -q 'does not tell which image' err || fail "$(cat err)"
exits 0 imgcheck --undo elsewhere x.qcow2
same "$old" "$(digest x.qcow2)" "the image that was brought back by name"
exits 0 imgcheck -q --repair --no-undo-file x.qcow2
same x.qcow2 "$(echo x.qcow2*)" "files without an undo file"
take qcow2.refcount.low
: >x.qcow2.undo
exits 0 imgcheck --repair --output=json x.qcow2 >out
same '"x.qcow2.undo.1"' "$(jq -c '."undo-file"' out)" "the second undo file"
exits 1 imgcheck --undo x.qcow2.undo 2>err
grep -q 'x.qcow2.undo.1: must be undone first' err || fail "$(cat err)"
exits 0 imgcheck --undo x.qcow2.undo.1
same "$old" "$(digest x.qcow2)" "the image after the second undo file"
take qcow2.refcount.low
: >mine
exits 1 imgcheck --repair --undo-file=mine x.qcow2 2>err
grep -q 'mine: exists already' err || fail "$(cat err)"
same "$old" "$(digest x.qcow2)" "the image beside a file that is in the way"

# ---- Levels ------------------------------------------------------------------------------------
exits 2 imgcheck -q --repair=leaks x.qcow2
same "$old" "$(digest x.qcow2)" "an image with errors, of which leaks were to be repaired"
take qcow2.refcount.leak
exits 0 imgcheck -q --repair=leaks x.qcow2
exits 0 imgcheck -q x.qcow2

# ---- What must not be given back ---------------------------------------------------------------
for id in qcow2.l1.empty qcow2.l1.missing qcow2.l2.orphan qcow2.l2.empty; do
	for level in leaks all; do
		take $id
		imgcheck --repair=$level x.qcow2 >out && fail "$id: $level: done"
		same "$old" "$(digest x.qcow2)" "$id after $level"
		same x.qcow2 "$(echo x.qcow2*)" "files of $id after $level"
	done
done

# Entries that lead to one cluster, of which a count says that one is wrong, are no matter of the count.
for id in qcow2.l1.twin qcow2.l2.twin; do
	take $id
	exits 2 imgcheck -q --repair x.qcow2
	same "$old" "$(digest x.qcow2)" "what a repair leaves of $id"
done

# ---- What cannot be repaired -------------------------------------------------------------------
truncate -s 1M x.raw
exits 63 imgcheck --repair x.raw 2>err
grep -q 'raw images cannot be repaired' err || fail "$(cat err)"
take qcow2.header.broken
exits 2 imgcheck -q --repair x.qcow2
same "$old" "$(digest x.qcow2)" "an image without a header"
exits 1 imgcheck --repair=some x.qcow2 2>err
grep -q 'leaks|all' err || fail "$(cat err)"
exits 1 imgcheck --dry-run x.qcow2 2>err
exits 1 imgcheck --undo x --repair x.qcow2 2>err

# ---- VMDK --------------------------------------------------------------------------------------
cp "$samples/vmdk.second.outside.vmdk" y.vmdk
chmod u+w y.vmdk
old=$(digest y.vmdk)
exits 2 imgcheck --repair --dry-run y.vmdk >out
grep -q 'would be repaired: 1 x .*\[vmdk.second.outside\]' out || fail "$(cat out)"
same "$old" "$(digest y.vmdk)" "the VMDK image after a plan"
exits 0 imgcheck --repair y.vmdk >out
grep -q 'repaired: 1 x .*\[vmdk.second.outside\]' out || fail "$(cat out)"
exits 0 imgcheck -q y.vmdk
exits 0 imgcheck --undo y.vmdk.undo
same "$old" "$(digest y.vmdk)" "the VMDK image that was brought back"
# What can be told for sure only of another file, or not at all, stays.
for id in vmdk.footer.differs vmdk.grain.doubled vmdk.overlap vmdk.grain.outside; do
	cp "$samples/$id.vmdk" y.vmdk
	chmod u+w y.vmdk
	old=$(digest y.vmdk)
	exits 2 imgcheck -q --repair y.vmdk
	same "$old" "$(digest y.vmdk)" "what a repair leaves of $id"
done
# A stream without its end, or its footer.
for id in vmdk.stream.end vmdk.footer.missing; do
	cp "$samples/$id.vmdk" y.vmdk
	chmod u+w y.vmdk
	exits 0 imgcheck -q --repair --no-undo-file y.vmdk
	exits 0 imgcheck -q --data y.vmdk
done
