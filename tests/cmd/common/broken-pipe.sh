# SPDX-License-Identifier: LGPL-2.1-or-later
# A reader that goes away ends the command by SIGPIPE, without a word, as shells expect.
. "$srcdir/tests/functions.sh"

truncate -s 8M disk.raw
set +o pipefail
statuses=$({ imgconv disk.raw -O raw - 2>err; echo $? >status; } | head -c 1 >/dev/null; cat status)
same 141 "$statuses" "imgconv survived its reader"
[ ! -s err ] || fail "it complained: $(cat err)"
