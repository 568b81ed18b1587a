# SPDX-License-Identifier: LGPL-2.1-or-later
# A passphrase is nowhere in the memory of a command but in pages that are locked and left out of core
# dumps; and as libcrypto has the key in memory of its own, no core is dumped at all.
. "$srcdir/tests/functions.sh"
requires python3 --version
[ -z "${SANITIZER:-}" ] || skip "a sanitizer locks no memory, and has handlers for crashes"

printf 'Tr0ub4dor&3 is no longer that good' >key
head -c 8M /dev/urandom >disk.raw
imgconv -O luks -o iter-time=1 --key-file key disk.raw disk.luks

cat >look.py <<'PY'
import os, re, resource, signal, subprocess, sys, time

def start(*command):
    """The command, once it waits for somebody to read what it prints."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    process.stdout.read(1)
    return process

def places(pid, needle):
    """The VmFlags of all that holds the bytes."""
    with open(f"/proc/{pid}/smaps") as f:
        areas = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) r.*?^VmFlags: (.*?)$", f.read(), re.S | re.M)
    with open(f"/proc/{pid}/mem", "rb") as mem:
        for first, end, flags in areas:
            try:
                mem.seek(int(first, 16))
                if needle in mem.read(int(end, 16) - int(first, 16)):
                    yield flags.split()
            except (OSError, OverflowError, ValueError):
                pass

def dumps(process):
    process.send_signal(signal.SIGSEGV)
    process.stdout.close()
    return os.WCOREDUMP(os.waitpid(process.pid, 0)[1])

os.mkdir("cores")
os.chdir("cores")
process = start("imgconv", "--key-file", "../key", "-O", "raw", "../disk.luks", "-")
try:
    found = list(places(process.pid, open("../key", "rb").read()))
    assert found, "the key is in no place"
    assert all("dd" in flags for flags in found), f"is in a core dump: {found}"
    assert all("lo" in flags for flags in found), f"is not locked: {found}"
except PermissionError:
    print("only root may look at the memory")
assert not dumps(process), "a core was dumped"
if not dumps(start("imgconv", "-O", "raw", "../disk.raw", "-")):
    print("no cores are dumped here")
PY
python3 look.py || fail "where the key is"
