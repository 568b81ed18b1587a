# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sound qcow images that are damaged: QEMU's and ours, plain and compressed, and QEMU's on a disk
of which it has changed a third of the records, which has other sizes."""

import os
import subprocess

from cow_layouts import changed_records, write


def run(work, *command):
    path = os.path.join(work, "sound.qcow")
    subprocess.run([*command, path], check=True, stdout=subprocess.DEVNULL)
    with open(path, "rb") as f:
        return bytearray(f.read())


def ours(*options):
    def make_one(work, content):
        return run(work, "imgconv", "-q", "-f", "raw", "-O", "qcow", *options,
                   os.path.join(work, "disk.raw")), content
    return make_one


def qemu(work, content):
    return run(work, "qemu-img", "convert", "-f", "raw", "-O", "qcow",
               os.path.join(work, "disk.raw")), content


def child(work, content):
    changed = changed_records(content)
    source = write(work, "changed.raw", changed)
    # A whole path, as qemu-img looks for it from where it runs.
    base = os.path.join(work, "disk.raw")
    return run(work, "qemu-img", "convert", "-f", "raw", "-O", "qcow", "-B", base, "-F", "raw",
               source), changed


LAYOUTS = {"qcow": ours(), "qcow-64k": ours("-o", "cluster_size=64k"), "qcow-packed": ours("-c"),
           "qcow-qemu": qemu, "qcow-child": child}


def make(work, name, content):
    """The bytes of the image and those of its disk."""
    raw, changed = LAYOUTS[name](work, content)
    return bytes(raw), bytes(changed)
