#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures imgconv beside qemu-img and rbd, on the cluster that CEPH_CONF names.

Contenders run in turn, round after round, each primed with memory as those of bench.py are.  What each has
made in the first round is hashed.  The pool's own count of its bytes is asked before and after ours.
"""
import argparse
import json
import os
import shlex
import statistics
import sys
import time

import proofs
from contender import apart, prime_memory, read_into_cache, run_once

STALE = 16              # seconds until the pool's count of bytes is true
BLOCK = 1 << 16         # what data are rounded to
OBJECT = 1 << 22
QEMU = "qemu-img convert -W -m 16 -O raw"

# What {to} and {from} are (an image on the cluster, a file), the source, ours, and the others with the
# part of their time that ours may take.
JOBS = [
    ("raw to a new image", "new", "disk.raw", "imgconv -q -O raw {in} rbd:{image}",
     [(f"{QEMU} {{in}} rbd:{{image}}", 1 / 1.3), ("rbd import --no-progress {in} {image}", 1)]),
    ("qcow2 to a new image", "new", "plain.qcow2", "imgconv -q -O raw {in} rbd:{image}",
     [(f"{QEMU} {{in}} rbd:{{image}}", 1 / 1.3)]),
    ("image to a raw file", "file", None, "imgconv -q -O raw rbd:{in} {out}",
     [("rbd export --no-progress {in} {out}", 1 / 2), (f"{QEMU} rbd:{{in}} {{out}}", None)]),
    ("image to nowhere", "none", None, "imgconv -q -O raw rbd:{in} /dev/null",
     [("rbd export --no-progress {in} -", 1)]),
]


def call(command):
    proofs.output(shlex.split(command))


def hash_of(command):
    return proofs.output(["sh", "-c", f"{command} | sha256sum"])


class Bench:
    def __init__(self, top):
        self.top, self.base, self.image = top, "rbd/base", "rbd/new"
        self.raw, self.out = os.path.join(top, "disk.raw"), os.path.join(top, "out.raw")
        self.hash = hash_of(f"cat {shlex.quote(self.raw)}")

    def drop(self, kind):
        if kind == "file" and os.path.exists(self.out):
            os.unlink(self.out)
        if kind == "new":
            call(f"rbd rm --no-progress {self.image}")

    def check(self, kind, command):
        """What is there is the disk."""
        made = {"new": f"rbd export --no-progress {self.image} -",
                "file": f"cat {shlex.quote(self.out)}"}.get(kind)
        if made and hash_of(made) != self.hash:
            sys.exit(f"other content: {command}")

    def run(self, kind, source, command, check):
        """Seconds."""
        argv = shlex.split(command.format(**{
            "in": os.path.join(self.top, source) if source else self.base,
            "image": self.image, "out": self.out}))
        prime_memory(self.top, 1536)
        if source:
            read_into_cache(os.path.join(self.top, source))
        start = time.monotonic()
        status, _ = run_once(argv, None)
        took = time.monotonic() - start
        if status:
            sys.exit(f"failed: {command}")
        if check:
            apart(self.check, kind, command)
        self.drop(kind)
        return took

    def job(self, name, kind, source, ours, others, rounds):
        commands = [ours] + [c for c, _ in others]
        times = {c: [] for c in commands}
        for turn in range(rounds):
            shift = turn % len(commands)
            for c in commands[shift:] + commands[:shift]:
                times[c].append(self.run(kind, source, c, turn == 0))
        for c, goal in [(ours, None)] + others:
            ratios = [a / b for a, b in zip(times[ours], times[c])]
            told = "" if c == ours else f"{statistics.median(ratios):.2f}"
            met = "" if not goal else "yes" if statistics.median(ratios) <= goal else "NO"
            print(f"| {name} | {c.split('{')[0].strip()} | {statistics.median(times[c]):.2f} | "
                  f"{min(times[c]):.2f} | {told} | {f'{goal:.2f}' if goal else ''} | {met} |",
                  flush=True)

    def fill(self, times):
        """All of the block file is written once, so that nobody is measured who does it first."""
        for n in range(times):
            call(f"rbd import --no-progress {self.raw} rbd/fill{n}")
        for n in range(times):
            call(f"rbd rm --no-progress rbd/fill{n}")
        call(f"rbd import --no-progress {self.raw} {self.base}")

    def space(self):
        """Bytes that the pool takes more for an image of ours, and that it may take."""
        def used():
            time.sleep(STALE)
            answer = proofs.output(["ceph", "df", "detail", "-f", "json"])
            return json.loads(answer)["pools"][0]["stats"]["bytes_used"]

        before = used()
        call(f"imgconv -q -O raw {self.raw} rbd:{self.image}")
        return used() - before, rounded(self.raw) + OBJECT


def rounded(path):
    """Bytes of the blocks that are not all zeros."""
    blocks, zeros = 0, bytes(BLOCK)
    with open(path, "rb") as f:
        at = 0
        while True:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA) // BLOCK * BLOCK
            except OSError:
                return blocks * BLOCK
            f.seek(at)
            block = f.read(BLOCK)
            blocks += block != zeros[:len(block)]
            at += BLOCK


def main():
    parser = argparse.ArgumentParser(description="Measures imgconv beside others on a cluster.")
    parser.add_argument("-n", "--rounds", type=int, default=5)
    parser.add_argument("--fill", type=int, default=7, help="copies that fill the block file")
    parser.add_argument("folder", help="where the inputs are, made by inputs.sh")
    options = parser.parse_args()
    bench = Bench(os.path.abspath(options.folder))
    bench.fill(options.fill)
    print("| job | command | median s | best s | ours to it | goal | met |\n|" + "---|" * 7)
    for name, kind, source, ours, others in JOBS:
        bench.job(name, kind, source, ours, others, options.rounds)
    took, most = bench.space()
    print(f"\nspace in the pool: {took} bytes, at most {most}: {'yes' if took <= most else 'NO'}")


main()
