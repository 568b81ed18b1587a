# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sound cow images that are damaged: those of User-Mode Linux stand on an empty disk, and one of
QEMU's on a disk of which it has changed a third of the records."""

import os
import random
import subprocess

import disk


def convert(work, source, layout, *options):
    path = os.path.join(work, "sound.cow")
    subprocess.run(["imgconv", "-q", "-f", "raw", "-O", "cow", "-o", "layout=" + layout, *options,
                    source, path], check=True)
    with open(path, "rb") as f:
        return bytearray(f.read())


def write(work, name, content):
    path = os.path.join(work, name)
    with open(path, "wb") as f:
        f.write(content)
    return path


def over_nothing(layout):
    def make_one(work, content):
        base = write(work, "empty.raw", b"")
        os.truncate(base, len(content))
        os.utime(base, (10**9, 10**9))
        options = ["-B", "empty.raw", "-F", "raw"]
        return convert(work, os.path.join(work, "disk.raw"), layout, *options), content
    return make_one


def alone(work, content):
    return convert(work, os.path.join(work, "disk.raw"), "qemu"), content


def changed_records(content):
    """The disk after a third of its records were written again."""
    rng, changed = random.Random(9), bytearray(content)
    for at in disk.records():
        if rng.random() < 0.3:
            changed[at:at + disk.RECORD] = disk.record(at, 1)
    return changed


def child(work, content):
    changed = changed_records(content)
    source = write(work, "changed.raw", changed)
    return convert(work, source, "qemu", "-B", "disk.raw", "-F", "raw"), changed


LAYOUTS = {"cow-uml-1": over_nothing("uml-1"), "cow-uml-2": over_nothing("uml-2"),
           "cow-uml-3": over_nothing("uml-3"), "cow-qemu": alone, "cow-child": child}


def make(work, name, content):
    """The bytes of the image and those of its disk."""
    raw, changed = LAYOUTS[name](work, content)
    return bytes(raw), bytes(changed)
