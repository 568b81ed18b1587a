# SPDX-License-Identifier: LGPL-2.1-or-later
"""What programs read from an image, held against the disk that it had before the damage."""

import json
import os
import subprocess

BLOCK = 1 << 20
SECONDS = 120  # more is a hang


class Misbehaviour(Exception):
    """A program hung or crashed."""


def run(*command):
    """(exit status, standard output)"""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as why:
        raise Misbehaviour("hangs: " + " ".join(command)) from why
    if done.returncode < 0 or done.returncode > 100:
        raise Misbehaviour("crashes: %s: %s" % (" ".join(command), done.stderr[-2000:]))
    return done.returncode, done.stdout


def holds(path, content):
    """Whether that, and nothing else, is in the file."""
    with open(path, "rb") as f:
        return f.read() == content


def is_zero(data):
    return data == bytes(len(data))


class Reading:
    """good and wrong are clusters of the disk; empty, told and silent are those of the wrong ones
    that read as zeros, that the program named as lost or as a guess, and that it did not.  What
    nothing was read of is neither."""

    def __init__(self, content, cluster, path=None, told=()):
        self.good, self.wrong, self.empty = set(), set(), set()
        self.named = {c for start, length in told
                      for c in range(start // cluster, -(-(start + length) // cluster))}
        if path and os.path.exists(path):
            with open(path, "rb") as f:
                self.compare(content, f.read(len(content)), cluster)
            os.unlink(path)
        self.told = self.wrong & self.named
        self.silent = self.wrong - self.named

    def compare(self, content, found, cluster):
        """By blocks first: most are alike."""
        for at in range(0, len(found), BLOCK):
            here = range(at // cluster, -(-min(at + BLOCK, len(found)) // cluster))
            if content[at:at + BLOCK] == found[at:at + BLOCK]:
                self.good.update(here)
                continue
            for c in here:
                start, end = c * cluster, (c + 1) * cluster
                same = content[start:end] == found[start:end]
                (self.good if same else self.wrong).add(c)
                if not same and is_zero(found[start:end]):
                    self.empty.add(c)


def extents(listed):
    return [(one["start"], one["length"]) for one in listed]


class Reader:
    """Reads images of one disk; every call gives a Reading."""

    def __init__(self, content, cluster, form):
        self.content, self.cluster, self.form = content, cluster, form

    def reading(self, path=None, told=()):
        return Reading(self.content, self.cluster, path, told)

    def by_qemu(self, path):
        raw = path + ".raw"
        try:
            run("qemu-img", "convert", "--salvage", "-f", self.form, "-O", "raw", path,
                raw)
        except Misbehaviour:
            return self.reading()
        return self.reading(raw)

    def by_imgconv(self, path):
        raw = path + ".raw"
        _, out = run("imgconv", "-f", self.form, "-O", "raw", "--salvage", "--output=json", path,
                     raw)
        told = extents(json.loads(out).get("lost-extents", [])) if out else []
        return self.reading(raw, told)

    def by_salvage(self, path):
        """(exit status, reading); the format is found out by the program.  Zeros in place of data
        are not silent when the program says that it could not place all that it found."""
        raw = path + ".raw"
        status, out = run("imgcheck", "--salvage", "-o", raw, "-O", "raw", "--output=json", path)
        report = json.loads(out)["salvage"] if out else {}
        told = [one for one in report.get("map", []) if one["state"] != "certain"]
        reading = self.reading(raw, extents(told))
        if report.get("unplaced"):
            reading.silent -= reading.empty
        return status, reading
