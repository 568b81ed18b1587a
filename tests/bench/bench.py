#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the commands beside qemu-img, cp and nbdcopy.

Contenders of a job run in turn, round after round, so that whatever else the machine does hits all
of them; the table has the median of the ratios within a round and the ratio of the best times.
Every output is read back by qemu-img and compared with its source.

A first touch of memory that a virtual machine's host has to find costs more than the copy itself:
a scratch file is written and deleted before each run, and the source is read into the cache.
"""
import argparse
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time

MIB = 1 << 20


class Job:
    """contenders: (label, command); the first is what the others are measured against."""

    def __init__(self, name, source, contenders, goal=None, folder="", truth=None, repeat=1,
                 suffix="qcow2", scratch=1536):
        self.name, self.source, self.goal = name, source, goal
        self.contenders = [c for c in contenders if shutil.which(c[1].split()[0])]
        self.folder = folder            # below the bench folder: another file system
        self.truth = truth or source    # raw file with the content that must come out
        self.repeat = repeat            # runs in one measurement, for what takes milliseconds
        self.suffix = suffix            # of the output; None: there is none
        self.scratch = scratch          # MiB to prime


def conversion(name, source, qemu, ours, **more):
    return Job(name, source, [("qemu-img", f"qemu-img convert {qemu} {{in}} {{out}}"),
                              *more.pop("peers", []),
                              ("imgconv", f"imgconv {ours} {{in}} {{out}}")], **more)


def to_qcow2(name, source, options="", goal=None, best=True, **more):
    fastest = f"qemu-img convert -f raw -O qcow2 -m 16 -W {options} {{in}} {{out}}"
    peers = [("qemu-img -m 16 -W", fastest)] if best else []
    return conversion(name, source, f"-f raw -O qcow2 {options}", f"-O qcow2 {options}",
                      goal=goal, peers=peers, **more)


COPIERS = [("cp", "cp --sparse=auto {in} {out}"), ("nbdcopy", "nbdcopy -- {in} {out}")]

JOBS = [
    to_qcow2("raw to qcow2", "disk.raw", goal=0.5),
    to_qcow2("raw to qcow2, dense", "dense.raw", goal=0.6),
    to_qcow2("raw to qcow2, written zeros", "zero.raw", goal=0.75),
    to_qcow2("raw to qcow2, fragmented", "frag.raw", goal=0.5),
    to_qcow2("raw to qcow2, sparse 100 GiB", "sparse100G.raw", goal=0.45, scratch=128),
    to_qcow2("raw to qcow2, sparse 10 TiB", "sparse10T.raw", goal=0.3, scratch=128),
    conversion("raw to raw", "disk.raw", "-f raw -O raw", "-O raw", goal=0.6, suffix="raw",
               peers=COPIERS),
    conversion("qcow2 to raw", "plain.qcow2", "-O raw", "-O raw", goal=0.75, suffix="raw",
               truth="disk.raw"),
    conversion("qcow2 to qcow2", "plain.qcow2", "-O qcow2", "-O qcow2", goal=0.6,
               truth="disk.raw"),
    conversion("zlib qcow2 to raw", "zlib.qcow2", "-O raw", "-O raw", goal=0.35, suffix="raw",
               truth="disk.raw"),
    conversion("zstd qcow2 to raw", "zstd.qcow2", "-O raw", "-O raw", goal=0.35, suffix="raw",
               truth="disk.raw"),
    to_qcow2("compress, zlib", "disk.raw", "-c", goal=0.2),
    to_qcow2("compress, zstd", "disk.raw", "-c -o compression_type=zstd", goal=0.35),
    conversion("raw to VMDK", "disk.raw", "-f raw -O vmdk", "-O vmdk", goal=0.2, suffix="vmdk"),
    conversion("VMDK to raw", "sparse.vmdk", "-O raw", "-O raw", goal=0.2, suffix="raw",
               truth="disk.raw"),
    conversion("raw to VMDK stream", "disk.raw", "-f raw -O vmdk -o subformat=streamOptimized",
               "-O vmdk -o subformat=streamOptimized", goal=0.15, suffix="vmdk"),
    conversion("VMDK stream to raw", "stream.vmdk", "-O raw", "-O raw", goal=0.25, suffix="raw",
               truth="disk.raw"),
    conversion("raw to VDI", "disk.raw", "-f raw -O vdi", "-O vdi", goal=0.5, suffix="vdi"),
    conversion("VDI to raw", "dynamic.vdi", "-O raw", "-O raw", goal=0.8, suffix="raw",
               truth="disk.raw"),
    Job("raw to cloop", "disk.raw",
        [("create_compressed_fs", "create_compressed_fs -q -L6 -B 65536 {in} {out}"),
         ("imgconv", "imgconv -f raw -O cloop {in} {out}")], goal=0.12, suffix="cloop"),
    conversion("cloop to raw", "packed.cloop", "-f cloop -O raw", "-f cloop -O raw", goal=0.06,
               suffix="raw", truth="disk.raw"),
    Job("check", "plain.qcow2", [("qemu-img", "qemu-img check -q {in}"),
                                 ("imgcheck", "imgcheck -q {in}")],
        goal=0.33, suffix=None, repeat=50),
    Job("compare", "disk.raw", [("qemu-img", "qemu-img compare {in} {dir}/plain.qcow2"),
                                ("imgcmp", "imgcmp {in} {dir}/plain.qcow2")],
        goal=0.6, suffix=None),
    Job("map", "plain.qcow2", [("qemu-img", "qemu-img map --output=json {in}"),
                               ("imgmap", "imgmap --output=json {in}")],
        goal=0.5, suffix=None, repeat=20),
    Job("info", "plain.qcow2", [("qemu-img", "qemu-img info {in}"), ("imginfo", "imginfo {in}")],
        goal=0.4, suffix=None, repeat=50),
]

CLONES = [
    lambda fs: to_qcow2(f"raw to qcow2 on {fs}", "disk.raw", goal=0.02, best=False, folder=fs,
                        scratch=0),
    lambda fs: conversion(f"raw to raw on {fs}", "disk.raw", "-f raw -C -O raw", "-O raw",
                          goal=1.0, suffix="raw", folder=fs, scratch=0,
                          peers=[("cp --reflink", "cp --reflink {in} {out}")]),
]


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


def measure(argv, repeat):
    """Seconds of one run, and the largest memory in MiB."""
    start = time.monotonic()
    for _ in range(repeat):
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            sys.exit(f"failed: {shlex.join(argv)}")
    return (time.monotonic() - start) / repeat, usage.ru_maxrss / 1024


def verify(path, truth):
    fmt = path.rsplit(".", 1)[1]
    if fmt == "qcow2":
        subprocess.run(["qemu-img", "check", "-q", path], check=True, stdout=subprocess.DEVNULL)
    result = subprocess.run(["qemu-img", "compare", "-q", "-f", fmt, "-F", "raw", path, truth],
                            check=False)
    if result.returncode:
        sys.exit(f"{path} does not hold what {truth} holds")


class Contender:
    def __init__(self, label, command, folder, job):
        self.label, self.times, self.memory, self.size = label, [], 0, 0
        self.out = os.path.join(folder, f"out.{job.suffix}") if job.suffix else None
        self.argv = shlex.split(command.format(
            dir=folder, out=self.out, **{"in": os.path.join(folder, job.source)}))

    def drop(self):
        if self.out and os.path.exists(self.out):
            os.unlink(self.out)

    def run(self, job, folder, last):
        self.drop()
        prime_memory(folder, job.scratch if job.suffix else 0)
        read_into_cache(os.path.join(folder, job.source))
        seconds, memory = measure(self.argv, job.repeat)
        self.times.append(seconds)
        self.memory = max(self.memory, memory)
        if self.out:
            self.size = os.stat(self.out).st_blocks * 512 / MIB
            if last:
                verify(self.out, os.path.join(folder, job.truth))
        self.drop()


def report(job, contenders):
    base = contenders[0]
    for c in contenders:
        paired = statistics.median(a / b for a, b in zip(c.times, base.times))
        best = min(c.times) / min(base.times)
        ours = c is contenders[-1]
        goal = f"{job.goal:g}" if ours and job.goal else ""
        verdict = ("yes" if min(paired, best) <= job.goal else "NO") if goal else ""
        print(f"| {job.name} | {c.label} | {statistics.median(c.times):.4f} | "
              f"{min(c.times):.4f} | {paired:.3f} | {best:.3f} | {goal} | {verdict} | "
              f"{c.memory:.0f} | {c.size:.0f} |", flush=True)


def run_job(job, top, rounds):
    folder = os.path.join(top, job.folder)
    contenders = [Contender(label, command, folder, job) for label, command in job.contenders]
    for turn in range(rounds):
        shift = turn % len(contenders)
        for c in contenders[shift:] + contenders[:shift]:
            c.run(job, folder, turn == rounds - 1)
    report(job, contenders)


def mounted(top, kind):
    """A file system that shares blocks, with disk.raw on it; False when that is not possible."""
    image, folder = os.path.join(top, f"{kind}.img"), os.path.join(top, kind)
    mkfs = {"xfs": "mkfs.xfs -q -f -m reflink=1", "btrfs": "mkfs.btrfs -q -f"}[kind]
    subprocess.run(["truncate", "-s", "12G", image], check=True)
    os.makedirs(folder, exist_ok=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = f"{mkfs} {{0}} && mount -o loop {{0}} {{1}}".format(shlex.quote(image),
                                                                shlex.quote(folder))
    if subprocess.run(["sh", "-c", command], check=False, **quiet).returncode:
        os.unlink(image)
        return False
    subprocess.run(["cp", "--sparse=always", os.path.join(top, "disk.raw"), folder], check=True)
    subprocess.run(["sync", "-f", folder], check=True)
    return True


def run_clones(top, rounds, wanted):
    for kind in ("xfs", "btrfs"):
        jobs = [make(kind) for make in CLONES]
        jobs = [j for j in jobs if wanted(j.name)]
        if not jobs:
            continue
        if not mounted(top, kind):
            print(f"({kind} cannot be mounted here)", file=sys.stderr)
            continue
        try:
            for job in jobs:
                run_job(job, top, rounds)
        finally:
            subprocess.run(["umount", os.path.join(top, kind)], check=True)
            os.unlink(os.path.join(top, f"{kind}.img"))


def main():
    parser = argparse.ArgumentParser(description="Measures the commands beside their peers.")
    parser.add_argument("-n", "--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="regular expression: names of jobs to run")
    parser.add_argument("folder", help="where the inputs are, made by inputs.sh")
    options = parser.parse_args()

    def wanted(name):
        return re.search(options.only, name)

    print("| job | command | median s | best s | paired ratio | best ratio | goal | met | "
          "memory MiB | output MiB |\n|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for job in JOBS:
        if wanted(job.name):
            run_job(job, options.folder, options.rounds)
    run_clones(options.folder, options.rounds, wanted)


main()
