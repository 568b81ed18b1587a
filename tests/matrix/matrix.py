#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The damage matrix: kinds of damage by layouts of each format, and how much of a disk can still be read
before and after repair and salvage, beside qemu-img check -r all.

    matrix.py [--output=json] [--quick] [--format NAME] [--layout NAME] [--damage NAME] [FOLDER]

Needs imgcheck, imgconv, qemu-img, qemu-io and mke2fs in PATH.  What is counted, and what may be
expected, is said in truth.py; the rules are in cell.py.  Exit status 1: one of them does not hold.
--quick: each kind of damage with one layout, these in turn, cells that were broken once, and no
figures of qemu-img's repair.
FOLDER: keeps the damaged images of cells where a rule does not hold.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import shutil
import sys
import tempfile

import disk
import table
from cell import Cell
from formats import FORMATS
from readings import is_zero


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", choices=["human", "json"], default="human")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--format", choices=[form.name for form in FORMATS])
    parser.add_argument("--layout", choices=[name for form in FORMATS for name in form.layouts])
    parser.add_argument("--damage", choices=sorted({d for form in FORMATS for d in form.damages}))
    parser.add_argument("folder", nargs="?")
    return parser.parse_args()


def make_disk(work):
    content = disk.make(work)
    with open(os.path.join(work, "disk.raw"), "wb") as f:
        f.write(content)
    return content


def empty_clusters(im, content):
    """Those that the image holds, and that are zeros."""
    size = im.cluster
    return {c for c in im.map if is_zero(content[c * size:(c + 1) * size])}


def make_sound(work, content, form, chosen):
    """{layout: (image, disk, empty clusters)}"""
    sound = {}
    for name in form.layouts:
        if chosen in (None, name):
            raw, changed = form.make(work, name, content)
            im = form.image(raw)
            sound[name] = im, changed, empty_clusters(im, changed)
    return sound


# Cells in which a rule did not hold once: layout and damage.
BROKEN_ONCE = [("cow-child", "part of the bitmap ones"), ("snapshots", "all L2 shifted")]


def choose(form, sound, opt):
    """(layout, damage) of each cell."""
    turn = itertools.cycle(sound)
    for damage, (applies, _) in form.damages.items():
        if opt.damage in (None, damage):
            names = [name for name in sound if applies(sound[name][0])]
            if opt.quick and names:
                turned = next(name for name in turn if name in names)
                names = [name for name in names
                         if name == turned or (name, damage) in BROKEN_ONCE]
            yield from ((name, damage) for name in names)


def make_cells(opt, work):
    content, cells = make_disk(work), []
    for form in FORMATS:
        if opt.format in (None, form.name):
            sound = make_sound(work, content, form, opt.layout)
            cells += [Cell(form, layout, damage, sound[layout], work, not opt.quick)
                      for layout, damage in choose(form, sound, opt)]
    return cells


def keep(cell, folder):
    """For whoever has to find out why."""
    if cell.broken and folder:
        os.makedirs(folder, exist_ok=True)
        shutil.copy(cell.path, folder)
    os.unlink(cell.path)


def measure(opt, work):
    cells = make_cells(opt, work)
    if opt.output == "human":
        table.print_head()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for cell in pool.map(Cell.measure, cells):
            keep(cell, opt.folder)
            if opt.output == "human":
                table.print_cell(cell)
    return cells


def main():
    opt = parse()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="imgtools-matrix.", dir=memory) as work:
        cells = measure(opt, work)
    if opt.output == "human":
        table.print_end(cells)
    else:
        json.dump([{"layout": c.layout, "damage": c.damage, "bytes": c.figures,
                    "broken": c.broken, "known": c.known} for c in cells], sys.stdout, indent=1)
    sys.exit(any(cell.broken for cell in cells))


if __name__ == "__main__":
    main()
