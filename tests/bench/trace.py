#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replays a recorded trace through imgbench and through qemu-io, raw and qcow2, in turn.

Every round runs all four in one cache mode on fresh images, so that whatever else the machine does
hits all of them; the table has the medians and the ratios that users ask for.  qemu-io gets the
requests as commands; what it takes to read them (a run on null-co) is subtracted from its time, and
starting imgbench and making up its data is not counted either.
"""
import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import time

CACHES = ["none", "writethrough", "writeback"]
RATIOS = [  # what, above, below, how it should be
    ("our qcow2 / our raw", "imgbench qcow2", "imgbench raw", "at most 1.05"),
    ("QEMU's qcow2 / QEMU's raw", "qemu-io qcow2", "qemu-io raw", ""),
    ("QEMU's raw / our raw", "qemu-io raw", "imgbench raw",
     "without flushes: none 1.3, writeback 2"),
    ("QEMU's qcow2 / our qcow2", "qemu-io qcow2", "imgbench qcow2", "at least 1.3"),
]


def read_trace(path, flushes):
    """The size of the disk, and the requests as qemu-io commands."""
    size, commands = 0, []
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt") as lines:
        for line in lines:
            word = line.split()
            if line.startswith("# recdisk"):
                size = int(word[4])
            elif word[0] == "W":
                commands.append(f"write -q -P 90 {word[1]} {word[2]}")
            elif word[0] == "R":
                commands.append(f"read -q {word[1]} {word[2]}")
            elif word[0] == "Z":
                unmap = "-u " if word[3] == "u" else ""
                commands.append(f"write -q -z {unmap}{word[1]} {word[2]}")
            elif word[0] == "F" and flushes:
                commands.append("flush")
    return size, "\n".join(commands + ["quit", ""]).encode()


def seconds_of(args, commands):
    begin = time.monotonic()
    subprocess.run(args, input=commands, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - begin


class Bench:
    def __init__(self, args):
        self.args = args
        self.image = os.path.join(args.dir, "trace-bench.img")
        self.commands = {}
        for cache in args.caches:
            # With writethrough QEMU flushes behind each write by itself.
            flushes = cache != "writethrough" and not args.no_flush
            self.size, self.commands[cache] = read_trace(args.trace, flushes)
        null = ["qemu-io", "--image-opts", f"driver=null-co,size={self.size}"]
        self.overhead = {c: min(seconds_of(null, self.commands[c]) for _ in range(3))
                         for c in args.caches}

    def make(self, image_format):
        if os.path.exists(self.image):
            os.unlink(self.image)
        subprocess.run(["qemu-img", "create", "-q", "-f", image_format, self.image,
                        str(self.size)], check=True)
        subprocess.run(["sync", "-f", self.args.dir], check=True)

    def qemu_io(self, image_format, cache):
        self.make(image_format)
        args = ["qemu-io", "-f", image_format, "-t", cache, self.image]
        return seconds_of(args, self.commands[cache]) - self.overhead[cache]

    def imgbench(self, image_format, cache):
        self.make(image_format)
        args = ["imgbench", "-f", image_format, "-t", cache, "--trace", self.args.trace,
                "--output=json", self.image] + ["--no-flush"] * self.args.no_flush
        out = subprocess.run(args, stdout=subprocess.PIPE, check=True).stdout
        return json.loads(out)["seconds"]

    def contenders(self):
        for image_format in ("raw", "qcow2"):
            yield f"imgbench {image_format}", self.imgbench, image_format
            yield f"qemu-io {image_format}", self.qemu_io, image_format

    def rounds(self, cache):
        times = {name: [] for name, _, _ in self.contenders()}
        for number in range(self.args.repeat):
            order = list(self.contenders())
            if number % 2:
                order.reverse()
            for name, run, image_format in order:
                times[name].append(run(image_format, cache))
        os.unlink(self.image)
        return times


def report(cache, times):
    for name, values in times.items():
        print(f"{cache:13} {name:26} {statistics.median(values):8.2f} s  "
              f"({min(values):.2f} - {max(values):.2f})")
    for what, above, below, goal in RATIOS:
        medians = statistics.median(times[above]) / statistics.median(times[below])
        paired = statistics.median(a / b for a, b in zip(times[above], times[below]))
        least = min(times[above]) / min(times[below])
        print(f"{cache:13} {what:26} {medians:8.2f}    (of rounds {paired:.2f}, of least times "
              f"{least:.2f})  {goal}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", "--repeat", type=int, default=5)
    parser.add_argument("-c", "--caches", type=lambda text: text.split(","), default=CACHES)
    parser.add_argument("--no-flush", action="store_true",
                        help="as a guest without barriers: one sync at the end")
    parser.add_argument("trace")
    parser.add_argument("dir")
    bench = Bench(parser.parse_args())
    for cache in bench.args.caches:
        report(cache, bench.rounds(cache))


if __name__ == "__main__":
    main()
