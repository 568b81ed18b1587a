# SPDX-License-Identifier: LGPL-2.1-or-later
# What is no file is never replaced by a file that has its name; a FIFO is a pipe, both ways.
. "$srcdir/tests/functions.sh"

printf content >disk.raw
mkfifo fifo
mkdir folder

exits 1 imgconv -O raw disk.raw folder 2>err
[ -s err ] || fail "no reason given for a folder"

cat fifo >received &
imgconv -O raw disk.raw fifo || fail "cannot write to a FIFO"
wait
cmp disk.raw received || fail "the FIFO gave something else"

cat disk.raw >fifo &
imgconv fifo copy.raw || fail "cannot read from a FIFO"
wait
cmp disk.raw copy.raw || fail "something else came out of the FIFO"

[ -p fifo ] && [ -d folder ] || fail "it was replaced"
