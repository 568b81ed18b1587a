# SPDX-License-Identifier: LGPL-2.1-or-later
# --progress=json writes lines that programs can read, and the last one says that all is done.
. "$srcdir/tests/functions.sh"

dd if=/dev/urandom of=disk.raw bs=1M count=4 status=none
imgconv --progress=json:5 --rate-limit=4M disk.raw a.raw 5>lines
[ "$(wc -l <lines)" -ge 2 ] || fail "only one line for a whole second"
jq -es 'all(.phase == "copy" and (.done | type) == "number" and has("rate") and has("eta"))' \
	lines >/dev/null || fail "$(cat lines)"
jq -es 'last | .done == .total and .eta == 0' lines >/dev/null || fail "$(tail -n 1 lines)"

cat disk.raw | imgconv --progress=json -O raw - - 2>lines >/dev/null
jq -es 'last | .done == 4194304 and .total == .done' lines >/dev/null || fail "$(cat lines)"
imgconv -p disk.raw a.raw 2>lines
grep -q '^100\.0%  4 MiB of 4 MiB' lines || fail "$(cat lines)"
imgconv -pq disk.raw a.raw 2>lines
[ ! -s lines ] || fail "-q does not silence -p"
exits 1 imgconv --progress=json:x disk.raw a.raw 2>/dev/null

# A number that nothing has would be that of an image.
rm a.raw
exits 1 imgconv --progress=json:5 disk.raw a.raw 2>err
grep -q '^imgconv: --progress: "json:5" names no file descriptor$' err || fail "$(cat err)"
exits 1 imgconv --progress=json:5 disk.raw a.raw 5<lines 2>err
grep -q '^imgconv: --progress: json:5: is open for reading only$' err || fail "$(cat err)"
exits 1 imgconv --progress=json:1 disk.raw a.raw >&- 2>/dev/null
[ ! -e a.raw ] || fail "an image was made"
imgconv --progress=json:5 disk.raw a.raw 5>/dev/full
cmp disk.raw a.raw
