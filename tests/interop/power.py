# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Cuts the power while a command changes files in a folder.

    power.py FOLDER CUTS SEED KNOWN READER -- COMMAND ARG...

COMMAND runs once in a copy of FOLDER, and strace tells what it does to the files.  At CUTS moments the
folder is made anew as the disk would have it: what was synced is there, and of what was done since then
some is, some is not, some is in part, sector by sector; names are only there once the folder was synced.
Then READER (a shell command that prints a disk) must fail or print what has the SHA-256 KNOWN; COMMAND
runs again, which may find that there is nothing to do; READER prints the disk, and no other files are left
than the command leaves without a cut.
"""
import hashlib, os, random, re, shutil, subprocess, sys

SECTOR = 512
CALLS = "openat,pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,unlinkat,unlink,rename,renameat,renameat2,linkat"
NOTHING_TO_DO = re.compile(rb"encrypted already|not encrypted")


def text(quoted):
    """The bytes of what strace -xx prints."""
    return bytes.fromhex(quoted.replace("\\x", ""))


class File:
    """Its bytes as they are durable, and what happened since."""

    def __init__(self, content=b""):
        self.durable, self.pending, self.now = content, [], bytearray(content)

    def do(self, operation):
        self.pending.append(operation)
        apply(self.now, operation)

    def sync(self):
        self.durable, self.pending = bytes(self.now), []


def apply(content, operation, chance=None, share=1):
    """share: of the sectors, what survives by chance."""
    at, data, length = operation
    if length is not None and (share == 1 or chance.random() < share):
        del content[length:]
        content.extend(bytes(length - len(content)))
    if share == 1:
        put(content, at, data)
    elif share:
        for first in range(-(at % SECTOR), len(data), SECTOR):
            if chance.random() < share:
                put(content, at + max(first, 0), data[max(first, 0):first + SECTOR])


def put(content, at, data):
    content.extend(bytes(max(0, at - len(content))) if data else b"")
    content[at:at + len(data)] = data


class Folder:
    """Files by name, as they are and as they are durable."""

    def __init__(self, path):
        self.now = {e.name: File(open(e.path, "rb").read()) for e in os.scandir(path)}
        self.durable, self.pending, self.nameless = dict(self.now), [], {}

    def file(self, name):
        """What never had a name is called as strace calls it."""
        return self.now.get(name) or self.nameless.setdefault(name, File())

    def synced(self, name):
        (self if name == "" else self.file(name)).sync()
        return True

    def name(self, change):
        self.pending.append(change)
        change(self.now)

    def sync(self):
        self.durable, self.pending = dict(self.now), []


def record(start, command):
    """What strace says that it does to the files, as functions of a Folder that do the same there."""
    shutil.rmtree("run", ignore_errors=True)
    shutil.copytree(start, "run")
    subprocess.run(["strace", "-f", "-y", "-qq", "-xx", "-s", "9999999", "-o", "../trace.txt", "-e",
                    "trace=" + CALLS] + command, cwd="run", check=True)
    nameless = {}
    for line in open("trace.txt", encoding="latin-1"):
        nameless.update(re.findall(r"(\d+)<([^>]*)>\(deleted\)", line))
        match = re.match(r"\d+ +(\w+)\((.*)\) += \d", line)
        assert match or "write" not in line or "unfinished" not in line, "several threads write"
        step = match and understood(*match.groups(), nameless)
        if step:
            yield step


def base_of(path):
    """The name of a file in the folder, "" for the folder, None elsewhere."""
    run = os.path.abspath("run")
    return os.path.relpath(path, run) if path.startswith(run + "/") else "" if path == run else None


def understood(call, arguments, nameless):
    """A function that gives true when something is durable by the call; None: it does nothing there."""
    at = re.match(r"\d+<([^>]*)>", arguments)
    name = base_of(text(at.group(1)).decode()) if at and "\\x" in at.group(1) else None
    if call in ("fsync", "fdatasync"):
        return name is not None and (lambda folder: folder.synced(name))
    if call == "linkat":
        return get_name(arguments, nameless)
    if call == "openat" and "O_CREAT" in arguments or call.startswith(("rename", "unlink")):
        names = names_in(arguments)
        return all(names) and (lambda folder: change_names(folder, call, names))
    if not name or call == "openat":
        return None
    rest = arguments[at.end():]
    data = b"".join(text(s) for s in re.findall(r'"([^"]*)"', rest))
    change = change_of(call, rest, [int(n) for n in re.findall(r"-?\d+", re.sub(r'"[^"]*"', "", rest))])
    return lambda folder: folder.file(name).do(change(data, len(folder.file(name).now)))


def get_name(arguments, nameless):
    """A file that had none gets one, from /proc/self/fd."""
    fd, name = re.findall(r'"([^"]*)"', arguments)
    was = base_of(text(nameless[os.path.basename(text(fd).decode())]).decode())
    name = text(name).decode()
    return was and (lambda folder: folder.name(lambda all_: all_.__setitem__(name, folder.file(was))))


def names_in(arguments):
    """Of the files in the folder that a call names."""
    paths = re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"', arguments)
    return [base_of(os.path.join(text(at).decode() or os.path.abspath("run"), text(path).decode()))
            for at, path in paths]


def change_names(folder, call, names):
    if call == "openat":
        file = folder.now.get(names[0], File())
        folder.name(lambda all_: all_.setdefault(names[0], file))
    elif call.startswith("unlink"):
        folder.name(lambda all_: all_.pop(names[0], None))
    else:
        file = folder.now[names[0]]
        folder.name(lambda all_: (all_.pop(names[0], None), all_.__setitem__(names[1], file)))


def change_of(call, rest, numbers):
    """What is done to a file, given the bytes in the call and the length of the file."""
    if call == "ftruncate":
        return lambda data, length: (0, b"", numbers[0])
    if call != "fallocate":
        return lambda data, length: (numbers[-1], data, None)
    at, end = numbers[-2], sum(numbers[-2:])
    if "PUNCH_HOLE" in rest or "ZERO_RANGE" in rest:
        return lambda data, length: (at, bytes(max(0, min(end, length) - at)), None)
    return lambda data, length: (0, b"", length if "KEEP_SIZE" in rest else max(end, length))


def cut(folder, chance, path):
    """Makes the folder anew as a loss of power here leaves it."""
    shares = chance.choice(((0,), (1,), (0.5,), (0.9,), (0, 1, 0.5)))
    names = dict(folder.durable)
    for change in folder.pending:
        if chance.random() < chance.choice(shares):
            change(names)
    shutil.rmtree(path, ignore_errors=True)
    os.mkdir(path)
    for name, file in names.items():
        content = bytearray(file.durable)
        for operation in file.pending:
            apply(content, operation, chance, chance.choice(shares))
        with open(os.path.join(path, name), "wb") as out:
            out.write(content)


def moments(steps, start, cuts, chance):
    """So many of them, between syncs that are drawn, as many steps often are no more than one."""
    folder, spans, first = Folder(start), [], 0
    for i, step in enumerate(steps):
        if step(folder):
            spans.append((first, i))
            first = i
    return sorted(chance.randint(*chance.choice(spans)) for _ in range(cuts))


def check(command, reader, known, left, where):
    def read():
        return subprocess.run(reader, shell=True, cwd="work", stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)

    seen = read()
    assert seen.returncode or hashlib.sha256(seen.stdout).hexdigest() == known, f"{where}: another disk"
    again = subprocess.run(command, cwd="work", stderr=subprocess.PIPE)
    assert not again.returncode or NOTHING_TO_DO.search(again.stderr), f"{where}: {again.stderr}"
    seen = read()
    assert hashlib.sha256(seen.stdout).hexdigest() == known, f"{where}: another disk in the end"
    files = sorted(os.listdir("work"))
    assert files == left, f"{where}: {files} instead of {left}"


def main():
    start, cuts, seed, known, reader = sys.argv[1:6]
    command = sys.argv[7:]
    chance = random.Random(int(seed))
    steps = list(record(start, command))
    left = sorted(os.listdir("run"))
    folder, at = Folder(start), 0
    for moment in moments(steps, start, int(cuts), chance) + [len(steps)]:
        for step in steps[at:moment]:
            step(folder)
        at = moment
        if moment < len(steps):
            cut(folder, chance, "work")
            check(command, reader, known, left, f"before step {moment} of {len(steps)}")
    for name in left:
        with open(os.path.join("run", name), "rb") as real:
            assert real.read() == folder.now[name].now, f"{name}: was not understood"


main()
