# SPDX-License-Identifier: LGPL-2.1-or-later
"""What programs read from an image, held against the disk that it had before the damage."""

import fcntl
import json
import os
import subprocess
import threading

BLOCK = 1 << 20
SECONDS = 120  # more is a hang


class Misbehaviour(Exception):
    """A program hung or crashed."""


def run(*command, **more):
    """(exit status, standard output)"""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, timeout=SECONDS, check=False, **more)
    except subprocess.TimeoutExpired as why:
        raise Misbehaviour("hangs: " + " ".join(command)) from why
    if done.returncode < 0 or done.returncode > 100:
        raise Misbehaviour("crashes: %s: %s" % (" ".join(command), done.stderr[-2000:]))
    return done.returncode, done.stdout


def run_into(take, *command):
    """run(), with the name of a pipe behind the command.  take() gets the other end, and reads all:
    a file would cost as many fresh pages as the disk has."""
    ours, theirs = os.pipe()
    fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, BLOCK)
    with os.fdopen(ours, "rb", BLOCK) as f:
        taker = threading.Thread(target=take, args=(f,))
        taker.start()
        try:
            return run(*command, "/dev/fd/%d" % theirs, pass_fds=(theirs,))
        finally:
            os.close(theirs)
            taker.join()


def blocks(f):
    """(where, bytes) by the megabyte: memory that is used again costs no page faults."""
    at = 0
    while block := f.read(BLOCK):
        yield at, block
        at += len(block)


def holds(path, content):
    """Whether that, and nothing else, is in the file."""
    with open(path, "rb") as f:
        return os.fstat(f.fileno()).st_size == len(content) and all(
            content[at:at + BLOCK] == block for at, block in blocks(f))


def is_zero(data):
    return data == bytes(len(data))


class Reading:
    """good and wrong are clusters of the disk; empty, told and silent are those of the wrong ones
    that read as zeros, that the program named as lost or as a guess, and that it did not.  What
    nothing was read of is neither."""

    def __init__(self, content, cluster):
        self.content, self.cluster = content, cluster
        self.good, self.wrong, self.empty = set(), set(), set()
        self.tell(())

    def tell(self, extents):
        """What the program named."""
        named = {c for start, length in extents
                 for c in range(start // self.cluster, -(-(start + length) // self.cluster))}
        self.told, self.silent = self.wrong & named, self.wrong - named

    def compare(self, f):
        """With what a file holds; by blocks first, since most are alike."""
        for at, found in blocks(f):
            sound = self.content[at:at + BLOCK]
            if sound == found:
                first = at // self.cluster
                self.good.update(range(first, first - (-len(found) // self.cluster)))
            else:
                self.compare_clusters(at, sound, found)

    def compare_clusters(self, at, sound, found):
        for start in range(0, min(len(sound), len(found)), self.cluster):
            c, end = (at + start) // self.cluster, start + self.cluster
            if sound[start:end] == found[start:end]:
                self.good.add(c)
                continue
            self.wrong.add(c)
            if is_zero(found[start:end]):
                self.empty.add(c)


def extents(listed):
    return [(one["start"], one["length"]) for one in listed]


class Reader:
    """Reads images of one disk; every call gives a Reading."""

    def __init__(self, content, cluster, form):
        self.content, self.cluster, self.form = content, cluster, form

    def reading(self):
        return Reading(self.content, self.cluster)

    def by_qemu(self, path):
        raw, reading = path + ".raw", self.reading()
        try:
            run("qemu-img", "convert", "--salvage", "-f", self.form, "-O", "raw", path,
                raw)
        except Misbehaviour:
            return reading
        if os.path.exists(raw):
            with open(raw, "rb") as f:
                reading.compare(f)
            os.unlink(raw)
        reading.tell(())
        return reading

    def by_ours(self, *command):
        """(exit status, report, reading) of what writes a disk to the file named last; where there
        is no report, it gave up, and that file would not be there."""
        reading = self.reading()
        status, out = run_into(reading.compare, *command)
        if not out:
            return status, {}, self.reading()
        reading.tell(())
        return status, json.loads(out), reading

    def by_imgconv(self, path):
        _, report, reading = self.by_ours("imgconv", "-f", self.form, "-O", "raw", "--salvage",
                                          "--output=json", path)
        reading.tell(extents(report.get("lost-extents", [])))
        return reading

    def by_salvage(self, path):
        """(exit status, reading); the format is found out by the program.  Zeros in place of data
        are not silent when the program says that it could not place all that it found."""
        status, report, reading = self.by_ours("imgcheck", "--salvage", path, "-O", "raw",
                                               "--output=json", "-o")
        report = report.get("salvage", {})
        reading.tell(extents(one for one in report.get("map", []) if one["state"] != "certain"))
        if report.get("unplaced"):
            reading.silent -= reading.empty
        return status, reading
