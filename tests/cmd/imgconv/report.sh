# SPDX-License-Identifier: LGPL-2.1-or-later
# --report: a file that has its name when all of it is there, and stays what it was until then.
. "$srcdir/tests/functions.sh"
requires jq --version

dd if=/dev/urandom of=disk.raw bs=64k count=1 status=none

# What somebody reads meanwhile, here by another name, is the old report to its end.
echo old >report
ln report reader
imgconv --report=report disk.raw new.qcow2
same old "$(cat reader)" "the old report"
same 65536 "$(jq '."virtual-size"' report)" "the new report"
exits 1 imgconv --report=none/report disk.raw new.qcow2 2>message
grep -q 'none/report' message || fail "$(cat message)"

# What is no file is written to, as is one that the shell has opened.
imgconv --report=/dev/stdout disk.raw new.qcow2 >all
same 65536 "$(jq '."virtual-size"' all)" "standard output"
imgconv --report=/dev/stdout disk.raw new.qcow2 | jq -e .target >/dev/null
imgconv --report=/dev/null disk.raw new.qcow2
[ -c /dev/null ] || fail "/dev/null was replaced"
mkfifo pipe
cat pipe >all & reader=$!
imgconv --report=pipe disk.raw new.qcow2
wait $reader
same 65536 "$(jq '."virtual-size"' all)" "a pipe"
