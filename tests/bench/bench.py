#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the commands beside qemu-img, cp, nbdcopy and create_compressed_fs: the jobs of jobs.py.

Contenders of a job run in turn, round after round, so that whatever else the machine does hits all
of them; the table has the median of the ratios within a round and the ratio of the best times.
What each has made in the last round is held against its source, by qemu-img where it is an image.

The table goes to FOLDER/results.md, the figures to FOLDER/results.json.  What became worse than in
table.json, beyond noise, is said at the end, with exit status 1; --keep puts the figures there.
"""
import argparse
import os
import re
import shlex
import subprocess
import sys

from contender import Contender, can_drop_caches
from jobs import JOBS, clones
from table import Table


def run_job(job, top, rounds, table):
    if job.cold and not can_drop_caches():
        print(f"({job.name}: only root can empty the page cache)", file=sys.stderr)
        return
    contenders = [Contender(label, command, top, job, number == len(job.contenders) - 1)
                  for number, (label, command) in enumerate(job.contenders)]
    if len(contenders) < 2:
        print(f"({job.name}: nobody to compare with)", file=sys.stderr)
        return
    rounds = min(rounds, job.rounds)
    for turn in range(rounds):
        shift = turn % len(contenders)
        for c in contenders[shift:] + contenders[:shift]:
            c.run(job, turn == rounds - 1)
    table.add(job, contenders)


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


def run_clones(top, rounds, wanted, table):
    for kind in ("xfs", "btrfs"):
        jobs = [j for j in clones(kind) if wanted(j.name)]
        if not jobs:
            continue
        if not mounted(top, kind):
            print(f"({kind} cannot be mounted here)", file=sys.stderr)
            continue
        try:
            for job in jobs:
                run_job(job, top, rounds, table)
        finally:
            subprocess.run(["umount", os.path.join(top, kind)], check=True)
            os.unlink(os.path.join(top, f"{kind}.img"))


def parse():
    parser = argparse.ArgumentParser(description="Measures the commands beside their peers.")
    parser.add_argument("-n", "--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="regular expression: names of jobs to run")
    parser.add_argument("--list", action="store_true", help="only print the names of all jobs")
    parser.add_argument("--keep", action="store_true", help="put the figures into table.json")
    parser.add_argument("folder", help="where the inputs are, made by inputs.sh")
    return parser.parse_args()


def main():
    options = parse()
    if options.list:
        for job in JOBS + clones("xfs") + clones("btrfs"):
            print(job.name)
        return

    def wanted(name):
        return re.search(options.only, name)

    top = os.path.abspath(options.folder)
    table = Table(top, os.path.join(os.path.dirname(os.path.abspath(__file__)), "table.json"))
    for job in JOBS:
        if wanted(job.name):
            run_job(job, top, options.rounds, table)
    run_clones(top, options.rounds, wanted, table)
    held = table.end()
    if options.keep:
        table.keep()
    sys.exit(not held)


main()
