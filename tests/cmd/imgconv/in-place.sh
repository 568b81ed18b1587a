# SPDX-License-Identifier: LGPL-2.1-or-later
# -n writes into the file that is there: its inode stays, and what was in it goes.
. "$srcdir/tests/functions.sh"

truncate -s 1M disk.raw
printf 'content' | dd of=disk.raw bs=1 seek=70000 conv=notrunc status=none
head -c 1M /dev/zero | tr '\0' x >target.raw
inode=$(stat -c %i target.raw)
imgconv -n disk.raw target.raw
cmp disk.raw target.raw
same "$inode" "$(stat -c %i target.raw)" "the target was replaced"

truncate -s 0 target.raw && truncate -s 1M target.raw
imgconv -n --target-is-zero disk.raw target.raw
cmp disk.raw target.raw

exits 1 imgconv -n disk.raw missing.raw 2>/dev/null
[ ! -e missing.raw ] || fail "-n made a target"
exits 1 imgconv --target-is-zero disk.raw other.raw 2>/dev/null
exits 1 imgconv -n -O raw disk.raw - 2>/dev/null </dev/null >out
truncate -s 1k target.raw
exits 1 imgconv -n disk.raw target.raw 2>/dev/null || fail "a target too small was accepted"
