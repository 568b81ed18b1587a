# SPDX-License-Identifier: LGPL-2.1-or-later
"""What shows that a measured command has done its job: qemu-img, or a damaged copy that it must not
like.  Each proof gets the contender and the job after the last run, and ends the program if it
fails."""
import json
import os
import shlex
import struct
import subprocess
import sys

OFFSET = 0x00FFFFFFFFFFFE00


def status(argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode


def output(argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout


def demand(holds, contender, what):
    if not holds:
        sys.exit(f"{what}: {shlex.join(contender.argv)}")


def same_disk(contender, job):
    path = contender.out
    if job.suffix == "qcow2":
        demand(status(["qemu-img", "check", "-q", path]) == 0, contender, "qemu-img check")
    demand(status(["qemu-img", "compare", "-q", "-f", job.suffix, "-F", "raw", path,
                   contender.truth]) == 0, contender, "other content")


def same_encrypted_disk(contender, _job):
    key = os.path.join(contender.top, "key")
    image = f"driver=qcow2,file.filename={contender.out},encrypt.key-secret=key"
    demand(status(["qemu-img", "compare", "-q", "--object", f"secret,id=key,file={key}",
                   "--image-opts", image, f"driver=raw,file.filename={contender.truth}"]) == 0,
           contender, "other content")


def number(f, at):
    f.seek(at)
    return struct.unpack(">Q", f.read(8))[0]


def make_unused(path):
    """The first cluster that a qcow2 image uses gets the count 0."""
    with open(path, "r+b") as f:
        f.seek(20)
        bits = struct.unpack(">I", f.read(4))[0]
        counts = 1 << bits - 1          # in a block
        table, at = number(f, number(f, 40)) & OFFSET, 0
        while not number(f, table + at) & OFFSET:
            at += 8
        cluster = (number(f, table + at) & OFFSET) >> bits
        block = number(f, number(f, 48) + 8 * (cluster // counts))
        f.seek(block + 2 * (cluster % counts))
        f.write(b"\0\0")


def refuses_damage(contender, _job):
    damaged = contender.copy_source()
    make_unused(damaged)
    argv = [damaged if arg == contender.source else arg for arg in contender.argv]
    demand(status(argv) != 0, contender, "damage is not found")
    os.unlink(damaged)


def same_map(contender, _job):
    """The lines of both are alike but for what they add."""
    def places(argv):
        return [(one["start"], one["length"], one.get("offset")) for one in json.loads(output(argv))
                if one.get("data")]
    qemu = ["qemu-img", "map", "--output=json", contender.source]
    demand(joined(places(contender.argv)) == joined(places(qemu)), contender, "another map")


def joined(places):
    """Where one ends and the next begins is free."""
    joint = []
    for start, length, at in places:
        if joint and joint[-1][0] + joint[-1][1] == start and joint[-1][2] + joint[-1][1] == at:
            joint[-1][1] += length
        else:
            joint.append([start, length, at])
    return joint


def sound_copy(contender, _job):
    demand(status(["qemu-img", "check", "-q", contender.copy]) == 0, contender, "qemu-img check")


def grown_copy(contender, _job):
    def size(path):
        return json.loads(output(["qemu-img", "info", "--output=json", path]))["virtual-size"]
    demand(size(contender.copy) == size(contender.source) + (1 << 30), contender, "another size")


def sees_difference(contender, _job):
    argv = [os.path.join(contender.top, "dense.raw") if arg == contender.source else arg
            for arg in contender.argv]
    demand(status(argv) != 0, contender, "a difference is not seen")
