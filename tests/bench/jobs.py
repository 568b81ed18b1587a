# SPDX-License-Identifier: LGPL-2.1-or-later
"""What "make bench" measures: every job, who does it, and what is to be reached.

In commands {in} is the source, {out} the target, {copy} a copy of the source that may be changed,
{dir} the bench folder.  The first contender is what the others are measured against, the last one
is ours.
"""
import shutil

import proofs

LIMIT = 64              # MiB that a conversion may take ...
CODECS = 96             # ... and with the contexts of its codecs


class Job:
    """goal: of our time to the first contender's; smaller: the same of the outputs' sizes; limit:
    of our memory in MiB."""

    def __init__(self, name, source, contenders, goal=None, **more):
        self.name, self.source, self.goal = name, source, goal
        self.contenders = [c for c in contenders if shutil.which(c[1].split()[0])]
        self.folder = more.pop("folder", "")        # below the bench folder: another file system
        self.truth = more.pop("truth", source)      # raw file with what must come out
        self.suffix = more.pop("suffix", None)      # of the output; None: there is none
        self.repeat = more.pop("repeat", 1)         # runs in one measurement, for milliseconds
        self.scratch = more.pop("scratch", 1536)    # MiB to prime
        self.rounds = more.pop("rounds", 99)        # at most, where a peer takes minutes
        self.prepare = more.pop("prepare", None)    # what is done to {copy} first, not measured
        self.copies = self.prepare is not None or any("{copy}" in c for _, c in self.contenders)
        self.proof = more.pop("proof", proofs.same_disk if self.suffix else None)
        self.cold = more.pop("cold", False)         # nothing in the page cache
        self.durable = more.pop("durable", False)   # until the output is on the disk
        self.smaller = more.pop("smaller", None)
        self.limit = more.pop("limit", LIMIT if self.suffix else None)
        assert not more, more


def conversion(name, source, qemu, ours, goal, suffix="qcow2", peers=(), **more):
    return Job(name, source, [("qemu-img", f"qemu-img convert {qemu} {{in}} {{out}}"), *peers,
                              ("imgconv", f"imgconv {ours} {{in}} {{out}}")],
               goal, suffix=suffix, **more)


def to_qcow2(name, source, goal, options="", best=True, **more):
    qemu = f"-f raw -O qcow2 {options}"
    peers = [("qemu-img -m 16 -W", f"qemu-img convert -m 16 -W {qemu} {{in}} {{out}}")]
    return conversion(name, source, qemu, qemu, goal, peers=peers if best else (), **more)


def to_raw(name, source, goal, options="", **more):
    return conversion(name, source, f"{options} -O raw", f"{options} -O raw", goal, suffix="raw",
                      truth="disk.raw", **more)


def from_disk(name, options, goal, **more):
    return conversion(name, "disk.raw", f"-f raw {options}", f"-f raw {options}", goal, **more)


COPIERS = [("cp", "cp --sparse=auto {in} {out}"), ("nbdcopy", "nbdcopy -- {in} {out}")]

PLAIN = [
    to_qcow2("raw to qcow2", "disk.raw", 0.45),
    to_qcow2("raw to qcow2, dense", "dense.raw", 0.55),
    to_qcow2("raw to qcow2, written zeros", "zero.raw", 0.75),
    to_qcow2("raw to qcow2, fragmented", "frag.raw", 0.5),
    to_qcow2("raw to qcow2, sparse 100 GiB", "sparse100G.raw", 0.45, scratch=128),
    to_qcow2("raw to qcow2, sparse 10 TiB", "sparse10T.raw", 0.25, scratch=128),
    to_qcow2("raw to qcow2, O_DIRECT both ends", "disk.raw", 0.9, "-t none -T none"),
    to_qcow2("raw to qcow2, on disk at exit", "disk.raw", 0.75, durable=True),
    to_qcow2("raw to qcow2, cold", "disk.raw", 1.05, best=False, cold=True),
    from_disk("raw to raw", "-O raw", 0.55, suffix="raw", peers=COPIERS),
    to_raw("qcow2 to raw", "plain.qcow2", 0.6),
    conversion("qcow2 to qcow2", "plain.qcow2", "-O qcow2", "-O qcow2", 0.6, truth="disk.raw"),
    from_disk("raw to VMDK", "-O vmdk", 0.2, suffix="vmdk"),
    to_raw("VMDK to raw", "sparse.vmdk", 0.2),
    from_disk("raw to VDI", "-O vdi", 0.5, suffix="vdi"),
    to_raw("VDI to raw", "dynamic.vdi", 0.8),
]


def moved_as_it_is(name, source, codec):
    return Job(name, source,
               [COPIERS[0], ("imgcompress", f"imgcompress -q --codec={codec} {{in}} {{out}}")],
               1.3, suffix="qcow2", truth="disk.raw", limit=CODECS)


# The peer of the three levels is qemu-img's only one.
DEFLATE = "qemu-img convert -f raw -O qcow2 -c {in} {out}"
PACKED = [
    to_qcow2("compress, zlib", "disk.raw", 0.15, "-c", limit=CODECS, smaller=1),
    Job("compress, zlib, fastest", "disk.raw",
        [("qemu-img", DEFLATE), ("imgcompress", "imgcompress -q -f raw -O qcow2 --codec=deflate "
                                 "--level=fastest {in} {out}")],
        0.06, suffix="qcow2", limit=CODECS, smaller=1.06, rounds=3),
    Job("compress, zlib, best", "disk.raw",
        [("qemu-img", DEFLATE), ("imgcompress", "imgcompress -q -f raw -O qcow2 --codec=deflate "
                                 "--level=best {in} {out}")],
        suffix="qcow2", limit=CODECS, smaller=0.91, rounds=3),
    to_qcow2("compress, zstd", "disk.raw", 0.35, "-c -o compression_type=zstd", limit=CODECS,
             smaller=1.01),
    to_raw("zlib qcow2 to raw", "zlib.qcow2", 0.3),
    to_raw("zstd qcow2 to raw", "zstd.qcow2", 0.33),
    moved_as_it_is("zlib qcow2 to qcow2, as it is", "zlib.qcow2", "deflate"),
    moved_as_it_is("zstd qcow2 to qcow2, as it is", "zstd.qcow2", "zstd"),
    from_disk("raw to VMDK stream", "-O vmdk -o subformat=streamOptimized", 0.15, suffix="vmdk",
              limit=CODECS),
    to_raw("VMDK stream to raw", "stream.vmdk", 0.25),
    Job("raw to cloop", "disk.raw",
        [("create_compressed_fs -t 1", "create_compressed_fs -q -L6 -t 1 -B 65536 {in} {out}"),
         ("create_compressed_fs", "create_compressed_fs -q -L6 -B 65536 {in} {out}"),
         ("imgconv", "imgconv -f raw -O cloop {in} {out}")], 0.12, suffix="cloop", limit=CODECS,
        smaller=1, rounds=3),
    to_raw("cloop to raw", "packed.cloop", 0.06, "-f cloop"),
]

QEMU_KEY = "--object secret,id=key,file={dir}/key"
QEMU_LUKS = "-O qcow2 -o encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10"
QEMU_SOURCE = "driver=qcow2,file.filename={in},encrypt.key-secret=key"
LUKS = [
    Job("raw to LUKS qcow2", "disk.raw",
        [("qemu-img", f"qemu-img convert {QEMU_KEY} -f raw {QEMU_LUKS} {{in}} {{out}}"),
         ("imgconv", "imgconv --new-key-file={dir}/key -f raw -O qcow2 "
          "-o encrypt.format=luks,encrypt.iter-time=10 {in} {out}")],
        0.15, suffix="qcow2", proof=proofs.same_encrypted_disk),
    Job("LUKS qcow2 to raw", "luks.qcow2",
        [("qemu-img", f"qemu-img convert {QEMU_KEY} --image-opts {QEMU_SOURCE} -O raw {{out}}"),
         ("imgconv", "imgconv --key-file={dir}/key -O raw {in} {out}")],
        0.15, suffix="raw", truth="disk.raw"),
]


def checking(name, source, goal, repeat=1, rounds=99):
    return Job(name, source, [("qemu-img", "qemu-img check -q {in}"),
                              ("imgcheck", "imgcheck -q {in}")],
               goal, repeat=repeat, rounds=rounds, limit=LIMIT, proof=proofs.refuses_damage)


def mapping(name, source, goal, repeat=1):
    return Job(name, source, [("qemu-img", "qemu-img map --output=json {in}"),
                              ("imgmap", "imgmap --output=json {in}")],
               goal, repeat=repeat, proof=proofs.same_map)


def snapshot(verb, letter, goal, prepare=""):
    return Job(f"snapshot {verb}, 1 TiB", "heavy64k.qcow2",
               [("qemu-img", f"qemu-img snapshot -{letter} one {{copy}}"),
                ("imgsnap", f"imgsnap -q {verb} {{copy}} one")],
               goal, rounds=1, prepare=prepare, proof=proofs.sound_copy)


TABLES = [
    checking("check", "plain.qcow2", 0.3, repeat=50),
    checking("check, 1 TiB, 64 KiB", "heavy64k.qcow2", 0.02, rounds=2),
    checking("check, 64 GiB, 4 KiB", "heavy4k.qcow2", 0.02, rounds=2),
    snapshot("create", "c", 0.01),
    snapshot("apply", "a", 0.01, "imgsnap -q create {copy} one"),
    snapshot("delete", "d", 0.01, "imgsnap -q create {copy} one"),
    Job("resize, 1 TiB", "heavy64k.qcow2",
        [("qemu-img", "qemu-img resize -q {copy} +1G"), ("imgresize", "imgresize -q {copy} +1G")],
        0.1, proof=proofs.grown_copy),
    mapping("map", "plain.qcow2", 0.5, repeat=20),
    mapping("map, 1 TiB", "heavy64k.qcow2", 0.2),
    Job("compare", "disk.raw",
        [("qemu-img", "qemu-img compare -q -f raw -F qcow2 {in} {dir}/plain.qcow2"),
         ("imgcmp", "imgcmp -q -f raw -F qcow2 {in} {dir}/plain.qcow2")],
        0.6, proof=proofs.sees_difference),
    Job("start-up", "small.qcow2",
        [("qemu-img", "qemu-img info {in}"), ("imginfo", "imginfo {in}")], 0.35, repeat=50),
]


def on_two(name, source, options, goal, suffix, truth):
    """What a second processor brings: no goal of the others says how much runs alone."""
    return Job(f"{name}, -m 2 to -m 1", source,
               [("imgconv -m 1", f"imgconv -m 1 {options} {{in}} {{out}}"),
                ("imgconv -m 2", f"imgconv -m 2 {options} {{in}} {{out}}")],
               goal, suffix=suffix, truth=truth, limit=CODECS)


SCALING = [
    on_two("compress, zlib", "disk.raw", "-f raw -O qcow2 -c", 0.525, "qcow2", "disk.raw"),
    on_two("zlib qcow2 to raw", "zlib.qcow2", "-O raw", 0.6, "raw", "disk.raw"),
    on_two("raw to qcow2", "disk.raw", "-f raw -O qcow2", None, "qcow2", "disk.raw"),
]

JOBS = PLAIN + PACKED + LUKS + TABLES + SCALING

CLONE_GOALS = {"xfs": 0.02, "btrfs": 0.01}


def clones(kind):
    """Jobs on a file system that shares blocks."""
    return [
        to_qcow2(f"raw to qcow2 on {kind}", "disk.raw", CLONE_GOALS[kind], best=False, folder=kind,
                 scratch=0),
        conversion(f"raw to raw on {kind}", "disk.raw", "-f raw -C -O raw", "-O raw", 1.0,
                   suffix="raw", folder=kind, scratch=0,
                   peers=[("cp --reflink", "cp --reflink {in} {out}")]),
    ]
