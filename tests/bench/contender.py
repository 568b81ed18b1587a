# SPDX-License-Identifier: LGPL-2.1-or-later
"""One command of a job: what must be true before it runs, and what it took.

A first touch of memory that a virtual machine's host has to find costs more than the copy itself:
a scratch file is written and deleted before each run, and the source is read into the cache.
"""
import multiprocessing
import os
import shlex
import subprocess
import sys
import threading
import time

MIB = 1 << 20
ATTEMPTS = 60           # of a peer: some qemu-img fail now and then to find out how fast they are
PATIENCE = 150          # seconds; a peer that takes longer is stopped, and counts as if done then


def read_into_cache(path):
    """Only the data: a hole of terabytes is not read."""
    with open(path, "rb", buffering=0) as f:
        at, end = 0, os.path.getsize(path)
        buffer = bytearray(4 * MIB)
        while at < end:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            stop = os.lseek(f.fileno(), at, os.SEEK_HOLE)
            f.seek(at)
            while at < stop:
                at += f.readinto(memoryview(buffer)[:min(len(buffer), stop - at)])


def prime_memory(folder, mib):
    path = os.path.join(folder, "scratch")
    with open(path, "wb", buffering=0) as f:
        for _ in range(mib):
            f.write(b"\1" * MIB)
    os.unlink(path)


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("3")


def can_drop_caches():
    return os.access("/proc/sys/vm/drop_caches", os.W_OK)


def sync_file(path):
    with open(path, "rb") as f:
        os.fsync(f.fileno())


def run_once(argv, patience):
    """(exit status, -9 when it was stopped; its largest memory in MiB)"""
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    stop = threading.Timer(patience, child.kill) if patience else None
    if stop:
        stop.start()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if stop:
        stop.cancel()
    return child.returncode, usage.ru_maxrss / 1024


def apart(check, *args):
    """In a process of its own: memory that this one has had counts as that of what it starts."""
    child = multiprocessing.Process(target=check, args=args)
    child.start()
    child.join()
    if child.exitcode:
        sys.exit(child.exitcode)


class Contender:
    """times: seconds of one run, a round each; size: bytes that the output takes on disk."""

    def __init__(self, label, command, top, job, ours):
        folder = os.path.join(top, job.folder)
        self.label, self.top, self.folder, self.ours = label, top, folder, ours
        self.times, self.memory, self.size, self.stopped = [], 0, 0, False
        self.source = os.path.join(folder, job.source)
        self.truth = os.path.join(folder, job.truth)
        self.out = os.path.join(folder, f"out.{job.suffix}") if job.suffix else None
        self.copy = os.path.join(folder, "copy.qcow2")
        self.argv = self.command(command)
        self.prepare = self.command(job.prepare or "")

    def command(self, text):
        return shlex.split(text.format(dir=self.top, out=self.out, copy=self.copy,
                                       **{"in": self.source}))

    def copy_source(self):
        subprocess.run(["cp", "--sparse=always", self.source, self.copy], check=True)
        return self.copy

    def drop(self, job):
        for path in (self.out, self.copy if job.copies else None):
            if path and os.path.exists(path):
                os.unlink(path)

    def get_ready(self, job):
        self.drop(job)
        if job.copies:
            self.copy_source()
        if self.prepare:
            subprocess.run(self.prepare, check=True)
        os.sync()
        prime_memory(self.folder, job.scratch if job.suffix else 0)
        if job.cold:
            drop_caches()
        else:
            read_into_cache(self.copy if job.copies else self.source)

    def measure(self, job):
        """False: it failed."""
        start = time.monotonic()
        for _ in range(job.repeat):
            status, memory = run_once(self.argv, None if self.ours else PATIENCE)
            if status and (self.ours or status != -9):
                return False
            self.stopped |= status != 0
            self.memory = max(self.memory, memory)
        if job.durable:
            sync_file(self.out)
        self.times.append((time.monotonic() - start) / job.repeat)
        return True

    def run(self, job, last):
        for _ in range(1 if self.ours else ATTEMPTS):
            self.get_ready(job)
            if self.measure(job):
                break
        else:
            sys.exit(f"failed: {shlex.join(self.argv)}")
        if self.out:
            self.size = os.stat(self.out).st_blocks * 512
        if last and job.proof and not self.stopped:
            apart(job.proof, self, job)
        self.drop(job)
