# SPDX-License-Identifier: LGPL-2.1-or-later
"""The disk that all images of the matrix hold: GPT, a real ext4, and records of a database.

Every 2 MiB of it have data, no two sectors are alike, and the same bytes come out every time.
"""

import os
import random
import struct
import subprocess
import uuid
import zlib

MIB = 1 << 20
SIZE = 64 * MIB
FS_AT, FS_SIZE = MIB, 26 * MIB
RECORD = 16384
RECORDS_AT = 27 * MIB
SECTOR = 512
ENTRIES = 128  # of the partition table, 128 bytes each


def gpt_header(entries, here, other, entries_at):
    last = SIZE // SECTOR - 1
    raw = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, here, other, 34,
                      last - 33, uuid.UUID(int=1).bytes_le, entries_at, ENTRIES, 128,
                      zlib.crc32(entries))
    return raw[:16] + struct.pack("<I", zlib.crc32(raw)) + raw[20:]


def put_partitions(disk):
    """One partition of Linux data, told in front and at the end."""
    last = SIZE // SECTOR - 1
    kind = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
    entry = struct.pack("<16s16sQQQ72s", kind.bytes_le, uuid.UUID(int=2).bytes_le,
                        FS_AT // SECTOR, (FS_AT + FS_SIZE) // SECTOR - 1, 0, b"")
    entries = entry.ljust(ENTRIES * 128, b"\0")
    disk[446:462] = struct.pack("<8B2I", 0, 0, 2, 0, 0xEE, 255, 255, 255, 1, last)
    disk[510:512] = b"\x55\xaa"
    for header, other, at in ((1, last, 2), (last, 1, last - 32)):
        raw = gpt_header(entries, header, other, at)
        disk[header * SECTOR:header * SECTOR + len(raw)] = raw
        disk[at * SECTOR:at * SECTOR + len(entries)] = entries


def make_files(folder):
    rng = random.Random(4)
    for i in range(60):
        path = os.path.join(folder, "directory%d" % (i % 7))
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "file%d" % i), "wb") as f:
            if i % 3:
                f.write(rng.randbytes(rng.randrange(1000, 900000)))
            else:
                for line in range(rng.randrange(100, 20000)):
                    f.write(b"file %d, line %d: %x\n" % (i, line, rng.getrandbits(64)))


def make_filesystem(work):
    """The bytes of an ext4 with files."""
    tree, path = os.path.join(work, "tree"), os.path.join(work, "ext4")
    os.makedirs(tree)
    make_files(tree)
    with open(path, "wb") as f:
        f.truncate(FS_SIZE)
    subprocess.run(
        ["mke2fs", "-q", "-F", "-t", "ext4", "-b", "1024", "-d", tree,
         "-U", str(uuid.UUID(int=3)), "-E", "hash_seed=%s" % uuid.UUID(int=4), path],
        check=True, env=dict(os.environ, E2FSPROGS_FAKE_TIME="1700000000"))
    with open(path, "rb") as f:
        return f.read()


def records():
    """Where records of the database lie: about every second place behind the file system."""
    rng = random.Random(5)
    return [at for at in range(RECORDS_AT, SIZE - MIB // 4, RECORD)
            if rng.random() < 0.5 or at % (2 * MIB) == 0]


def record(at, edition=0):
    """The bytes of one; some are easy to compress."""
    rng = random.Random(at * 8 + edition)
    if rng.random() < 0.5:
        return rng.randbytes(RECORD)
    return b"".join(b"record %10d, line %6d: %016x\n" % (at, line, rng.getrandbits(64))
                    for line in range(RECORD // 48 + 1))[:RECORD]


def make(work):
    disk = bytearray(SIZE)
    put_partitions(disk)
    disk[FS_AT:FS_AT + FS_SIZE] = make_filesystem(work).ljust(FS_SIZE, b"\0")
    for at in records():
        disk[at:at + RECORD] = record(at)
    return disk
