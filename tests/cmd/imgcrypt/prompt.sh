# SPDX-License-Identifier: LGPL-2.1-or-later
# A key is asked for on a terminal, which does not show it, and shows again what is typed afterwards, also when
# somebody gives up; a wrong one may be typed again, and a new one is asked for twice.
. "$srcdir/tests/functions.sh"
requires python3 --version

printf one >one
truncate -s 64k disk.raw
imgconv -O luks -o iter-time=1 --key-file one disk.raw disk.luks

cat >type.py <<'PY'
"""type.py STATUS KEY... -- COMMAND...: each is typed when it is asked for; "^C" is that key."""
import os, pty, signal, sys, termios

split = sys.argv.index("--")
keys, command = sys.argv[2:split], sys.argv[split + 1:]
pid, terminal = pty.fork()
if not pid:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # make may ignore it
    os.execvp(command[0], command)

def read_until(asked):
    seen = b""
    while not seen.rstrip(b" ").endswith(asked):
        seen += os.read(terminal, 1)
    return seen

def shows():
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)

seen = b""
for key in keys:
    seen += read_until(b":")
    while shows():
        pass
    os.write(terminal, b"\x03" if key == "^C" else key.encode() + b"\n")
try:
    while chunk := os.read(terminal, 4096):
        seen += chunk
except OSError:
    pass
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert status == int(sys.argv[1]), f"{status}: {seen}"
assert shows(), "what is typed stays hidden"
for key in keys:
    assert key.encode() not in seen.replace(command[-1].encode(), b""), f"{key} is shown: {seen}"
sys.stdout.buffer.write(seen)
PY

# typed STATUS KEY... -- ARG...
typed() {
	timeout 60 python3 type.py "$@" >seen || fail "$*: $(cat seen)"
}
typed 0 one -- imgcrypt test disk.luks
grep -q 'Key of disk.luks: ' seen || fail "what is asked for: $(cat seen)"
typed 0 wrong one -- imgcrypt test disk.luks
typed 5 wrong bad unknown -- imgcrypt test disk.luks
typed 5 two2 three3 -- imgcrypt add-key --key-file=one --iterations=1000 disk.luks
grep -q 'it was not the same' seen || fail "two that differ: $(cat seen)"
typed 0 two2 two2 -- imgcrypt add-key --key-file=one --iterations=1000 disk.luks
typed 0 two2 -- imgconv -q -O raw disk.luks seen.raw
cmp seen.raw disk.raw
typed -2 ^C -- imgcrypt test disk.luks
