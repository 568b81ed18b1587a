#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Makes the bad and unsupported samples in this folder: headers without key material, in front of one
sector.  Shares no code with the driver.

    python3 testdata/luks/make.py [FOLDER]
"""

import lzma
import os
import struct
import sys

ACTIVE, INACTIVE = 0x00AC71F3, 0x0000DEAD
STEP = 128  # sectors, for a key of 16 bytes in 4000 stripes
PAYLOAD = 8 + 8 * STEP


def header(version=1, cipher=b"aes", mode=b"cbc-plain64", hash_name=b"sha256", payload=PAYLOAD,
           key_len=16, digest=b"\1" * 20, rounds=1000, uuid=b"00000000-0000-4000-8000-000000000000",
           slots=((ACTIVE, 1000),)):
    raw = struct.pack(">6sH32s32s32sII20s32sI40s", b"LUKS\xba\xbe", version, cipher, mode,
                      hash_name, payload, key_len, digest, b"\2" * 32, rounds, uuid)
    for i in range(8):
        state, iterations, *at = slots[i] if i < len(slots) else (INACTIVE, 0)
        raw += struct.pack(">II32sII", state, iterations, b"\3" * 32,
                           at[0] if at else 8 + i * STEP, 4000)
    return raw


def image(raw, sectors=PAYLOAD + 1):
    return raw.ljust(sectors * 512, b"\0")


SAMPLES = {
    "bad-cut-header": header()[:591],
    "bad-cut-data": image(header(), PAYLOAD)[:-1],
    "bad-key-length-0": image(header(key_len=0)),
    "bad-key-length-huge": image(header(key_len=0x7FFFFFFF)),
    "bad-digest": image(header(digest=bytes(20))),
    "bad-rounds-0": image(header(rounds=0)),
    "bad-cipher-name": image(header(cipher=b"a" * 32)),
    "bad-payload-in-header": image(header(payload=1)),
    "bad-slot-state": image(header(slots=[(0x12345678, 1000)])),
    "bad-slot-outside": image(header(slots=[(ACTIVE, 1000, 0x7FFFFFFF)])),
    "bad-slot-rounds": image(header(slots=[(ACTIVE, 0)])),
    "unsupported-version": image(header(version=3)),
}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for name, raw in SAMPLES.items():
        with open(os.path.join(folder, name + ".luks.xz"), "wb") as out:
            out.write(lzma.compress(raw))


main()
