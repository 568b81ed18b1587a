# SPDX-License-Identifier: LGPL-2.1-or-later
# What imgamend says of its work, and what it refuses.
. "$srcdir/tests/functions.sh"
requires jq --version

# info: version, width and flag of disk.qcow2.
info() {
	imginfo --output=json disk.qcow2 | jq -r '."format-specific" |
		[.compat, ."refcount-bits", ."lazy-refcounts"] | join(" ")'
}

imgcreate disk.qcow2 1M
same "1.1 16 false" "$(info)" "the start"
imgamend -o refcount_bits=8,lazy_refcounts=on --output=json disk.qcow2 >out
same '{"file":"disk.qcow2","format":"qcow2","changes":[{"name":"refcount_bits","value":"8"},{"name":"lazy_refcounts","value":"on"}]}' \
	"$(jq -c . out)" "the report"
same "1.1 8 true" "$(info)" "width and flag"
imgamend -o compat=v2 disk.qcow2 >out
grep -q '^changed:' out || fail "no title: $(cat out)"
grep -q compat out || fail "it does not say what it changed: $(cat out)"
grep -q v2 out || fail "it does not say to what: $(cat out)"
same "0.10 16" "$(info | cut -d ' ' -f 1,2)" "the version"
imgamend -o compat=v3 -o lazy_refcounts -f qcow2 --force -t none -p -q disk.qcow2 >out
[ ! -s out ] || fail "-q, but it says: $(cat out)"
same "1.1 16 true" "$(info)" "up again"

# A backing file that is gone keeps nobody from changing its name.
imgcreate base.raw 1M
imgcreate -b base.raw -F raw top.qcow2
mv base.raw other.raw
imgamend -q -o backing_file=other.raw top.qcow2
imgconv top.qcow2 -O raw - >content
cmp content other.raw || fail "the new name is not the backing file"

# Without its data file no image can be opened: a name that leads nowhere is warned of, taken back
# by a file of that name.
imgcreate -f qcow2 -o data_file=data.raw outside.qcow2 1M
cp data.raw copy.raw
imgamend -q -o data_file=copy.raw outside.qcow2 2>err
[ ! -s err ] || fail "the file is there, but it says: $(cat err)"
imgamend -q -o data_file=gone.raw outside.qcow2 2>err
grep -q '^imgamend: warning: .*cannot be opened now: outside.qcow2: .*"gone.raw"' err ||
	fail "a data file that is not there: $(cat err)"
touch gone.raw
imgamend -q -o data_file=data.raw outside.qcow2 2>err
rm gone.raw
imginfo outside.qcow2 >out

imgamend -o help >out
grep -q 'compat=0.10|v2|1.1|v3' out || fail "-o help does not list compat: $(cat out)"
exits 1 imgamend disk.qcow2 2>err
grep -q -- '-o' err || fail "it does not say that -o is missing: $(cat err)"
exits 1 imgamend -o cluster_size=4k disk.qcow2 2>err
grep -q cluster_size err || fail "it does not name the option: $(cat err)"
exits 1 imgamend -o compat=0.9 disk.qcow2 2>err
exits 1 imgamend -o compat=1.1 missing.qcow2 2>err
exits 63 imgamend -f raw -o compat=1.1 other.raw 2>err
grep -q raw err || fail "it does not name the format: $(cat err)"
