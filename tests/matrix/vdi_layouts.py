# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sound VDI images that are damaged: QEMU's and ours, and two that are changed by hand."""

import os
import random
import struct
import subprocess
import uuid

import disk
from vdi import CHILD, PARENT, TYPE, UUID, Vdi


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def qemu(work, *options):
    raw, path = os.path.join(work, "disk.raw"), os.path.join(work, "sound.qemu")
    run("qemu-img", "convert", "-f", "raw", "-O", "vdi", *options, raw, path)
    with open(path, "rb") as f:
        return bytearray(f.read())


def dynamic(work, content):
    return qemu(work), content


def fixed(work, content):
    return qemu(work, "-o", "static=on"), content


def small(work, content):
    """Blocks of 64 KiB, map and data where VirtualBox has them; some blocks are free."""
    raw, path = os.path.join(work, "disk.raw"), os.path.join(work, "sound.ours")
    run("imgconv", "-q", "-f", "raw", "-O", "vdi", "-o", "block_size=64k,uuid=%s" % uuid.UUID(int=7),
        raw, path)
    with open(path, "rb") as f:
        return bytearray(f.read()), content


def shuffled(work, content):
    """The same blocks in the order in which a disk in use may have got them."""
    raw, _ = small(work, content)
    im = Vdi(bytes(raw))
    numbers = list(range(len(im.map)))
    random.Random(8).shuffle(numbers)
    for (_, mapping), number in zip(sorted(im.map.items()), numbers):
        place = im.place(number)
        struct.pack_into("<I", raw, mapping.entry.at, number)
        raw[place.at:place.at + place.len] = im.raw[mapping.data.at:mapping.data.at + place.len]
    return raw, content


def child(work, content):
    """A differencing image in which a third of the records are others."""
    raw, content = small(work, content)
    raw[UUID:UUID + 16] = b"parent of matrix"
    with open(os.path.join(work, "parent.vdi"), "wb") as f:
        f.write(raw)
    im, content = Vdi(bytes(raw)), bytearray(content)
    raw[PARENT:PARENT + 32] = raw[UUID:UUID + 32]
    raw[UUID:UUID + 16] = b"child of matrix."
    struct.pack_into("<I", raw, TYPE, CHILD)
    del raw[im.data_at:]
    rng, n = random.Random(9), 0
    for i in range(im.blocks):
        start, end = i * im.cluster, (i + 1) * im.cluster
        if start < disk.RECORDS_AT or rng.random() < 0.6:
            struct.pack_into("<I", raw, im.entry(i).at, 0xFFFFFFFF)
            continue
        for at in range(start, end, disk.RECORD):
            content[at:at + disk.RECORD] = disk.record(at, 1)
        struct.pack_into("<I", raw, im.entry(i).at, n)
        raw += content[start:end]
        n += 1
    struct.pack_into("<I", raw, 388, n)
    return raw, bytes(content)


LAYOUTS = {"vdi": dynamic, "vdi-fixed": fixed, "vdi-small": small, "vdi-random": shuffled,
           "vdi-child": child}


def make(work, name, content):
    """The bytes of the image and those of its disk."""
    raw, changed = LAYOUTS[name](work, content)
    return bytes(raw), bytes(changed)
