# SPDX-License-Identifier: LGPL-2.1-or-later
"""The five sound images that are damaged, made by qemu-img and qemu-io from one disk."""

import os
import random
import subprocess

import disk

PIECE = 65536


def run(*command, **more):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **more)


class Maker:
    """One image, and the disk that it holds so far."""

    def __init__(self, work, name, content):
        self.work, self.content = work, content
        self.path = os.path.join(work, name + ".qcow2")

    def create(self, options):
        run("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, self.path, str(disk.SIZE))

    def convert(self, *options):
        raw = os.path.join(self.work, "disk.raw")
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, raw, self.path)

    def write(self, places):
        """The disk's bytes at these places, (at, len), in this order; what is zero is left out."""
        lines, piece = [], os.path.join(self.work, "piece")
        for i, (at, length) in enumerate(places):
            raw = self.content[at:at + length]
            if any(raw):
                with open("%s%d" % (piece, i), "wb") as f:
                    f.write(raw)
                lines.append("write -q -s %s%d %d %d\n" % (piece, i, at, length))
        run("qemu-io", "-t", "unsafe", "-f", "qcow2", self.path, input="".join(lines), text=True)

    def change(self, share, edition):
        """Some of the records become others, in the image and in the disk."""
        rng = random.Random(edition)
        chosen = [at for at in disk.records() if rng.random() < share]
        rng.shuffle(chosen)
        for at in chosen:
            self.content[at:at + disk.RECORD] = disk.record(at, edition)
        self.write([(at, disk.RECORD) for at in chosen])


def fill(maker):
    """The file system in order, then records as a database would write them."""
    maker.write([(at, PIECE) for at in range(0, disk.RECORDS_AT, PIECE)])
    places = [(at, disk.RECORD) for at in disk.records()]
    random.Random(6).shuffle(places)
    maker.write(places + [(disk.SIZE - PIECE, PIECE)])


def version_2(maker):
    maker.convert("-o", "compat=0.10,cluster_size=4k")


def version_3(maker):
    maker.create("cluster_size=4k")
    fill(maker)


def extended(maker):
    maker.create("extended_l2=on,cluster_size=16k")
    fill(maker)


def snapshots(maker):
    version_3(maker)
    for edition, name in ((1, "one"), (2, "two")):
        run("qemu-img", "snapshot", "-c", name, maker.path)
        maker.change(0.3, edition)


def compressed(maker):
    maker.convert("-c", "-o", "cluster_size=8k")
    maker.change(0.1, 3)


LAYOUTS = {"v2": version_2, "v3": version_3, "extended": extended, "snapshots": snapshots,
           "compressed": compressed}


def make(work, name, content):
    """The bytes of the image and those of its disk."""
    maker = Maker(work, name, bytearray(content))
    LAYOUTS[name](maker)
    run("qemu-img", "check", "-q", maker.path)
    with open(maker.path, "rb") as f:
        return f.read(), bytes(maker.content)
