# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kinds of damage.  Each takes a sound image and changes a copy of its bytes."""

import struct

from qcow2 import COPIED, Place, be64

DAMAGES = {}


def always(im):
    return True


def damage(name, applies=None):
    """applies: whether an image has what is to be damaged."""
    def remember(change):
        DAMAGES[name] = (applies or always, change)
        return change
    return remember


# ---- Whole tables --------------------------------------------------------------------------------

def zero(raw, place, step=0, rng=None):
    raw[place.at:place.at + place.len] = bytes(place.len)


def randomize(raw, place, step, rng):
    raw[place.at:place.at + place.len] = rng.randbytes(place.len)


def shift(raw, place, step, rng):
    """All entries by one place."""
    raw[place.at + step:place.at + place.len] = raw[place.at:place.at + place.len - step]


def halve(raw, place, step, rng):
    """The later half is gone."""
    kept = place.len // 2 // step * step
    zero(raw, Place(place.at + kept, place.len - kept))


WAYS = {"zero": zero, "random": randomize, "shifted": shift, "half": halve}


def middle(things):
    return things[len(things) // 2]


def l2_tables(im):
    return [table for _, table in im.tables(im.l1)]


def has_snapshots(im):
    return im.snapshot_l1s


def damage_tables(name, places, step, applies=None):
    """step: bytes of an entry; both are functions of the image."""
    for way, change in WAYS.items():
        @damage("%s %s" % (name, way), applies)
        def _(raw, im, rng, change=change):
            for place in places(im):
                change(raw, place, step(im), rng)


damage_tables("L1", lambda im: [im.l1], lambda im: 8)
damage_tables("one L2", lambda im: [middle(l2_tables(im))], lambda im: im.entry_len)
damage_tables("all L2", l2_tables, lambda im: im.entry_len)
damage_tables("refcount table", lambda im: [im.reftable], lambda im: 8)
damage_tables("refcount block", lambda im: [middle(im.refblocks)], lambda im: 2)
damage_tables("snapshot table", lambda im: [im.snapshot_table], lambda im: 8, has_snapshots)
damage_tables("snapshot L1", lambda im: im.snapshot_l1s[:1], lambda im: 8, has_snapshots)


@damage("all refcounts zero")
def _(raw, im, rng):
    for place in im.refblocks:
        zero(raw, place)


# ---- Header --------------------------------------------------------------------------------------

def field(name, at, form, value, applies=None):
    """value: bytes, or what gives them for an image."""
    @damage("header " + name, applies)
    def _(raw, im, rng):
        struct.pack_into(form, raw, at, value(im) if callable(value) else value)


def version_3(im):
    return im.version >= 3


@damage("header zero")
def _(raw, im, rng):
    zero(raw, Place(0, 512))


@damage("header random")
def _(raw, im, rng):
    randomize(raw, Place(0, im.cluster), 0, rng)


@damage("first 64 KiB random")
def _(raw, im, rng):
    randomize(raw, Place(0, 65536), 0, rng)


field("magic", 0, ">I", 0x7F454C46)
field("version", 4, ">I", 7)
field("cluster size", 20, ">I", lambda im: im.bits + 1)
field("disk size huge", 24, ">Q", 1 << 62)
field("L1 entries", 36, ">I", 1)
field("L1 place", 40, ">Q", lambda im: im.cluster * 20)
field("reftable place", 48, ">Q", lambda im: im.cluster * 20)
field("reftable size", 56, ">I", 0)
field("snapshot count", 60, ">I", 77)
field("snapshot place", 64, ">Q", lambda im: im.cluster * 20 + 8, has_snapshots)
field("unknown feature", 72, ">Q", lambda im: 1 << 41, version_3)
field("refcount width", 96, ">I", 9, version_3)
field("length", 100, ">I", 0xFFFFFFF8, version_3)


# ---- The file ------------------------------------------------------------------------------------

@damage("cut in half")
def _(raw, im, rng):
    del raw[len(raw) // 2:]


@damage("cut in the last cluster")
def _(raw, im, rng):
    last = max(mapping.data.at for mapping in im.map.values())
    del raw[last + im.cluster // 3:]


@damage("leaks")
def _(raw, im, rng):
    """Clusters behind the end that are counted and that nothing refers to."""
    end = -len(raw) % im.cluster
    raw += bytes(end)
    for _ in range(5):
        count(raw, im, len(raw) >> im.bits, 1)
        raw += rng.randbytes(im.cluster)


def count(raw, im, cluster, value):
    """Counts are two bytes in all images here."""
    block, index = divmod(cluster, im.cluster // 2)
    struct.pack_into(">H", raw, im.refblocks[block].at + 2 * index, value)


@damage("dirty, without refcounts", version_3)
def _(raw, im, rng):
    raw[79] |= 1
    for place in im.refblocks:
        zero(raw, place)


# ---- Single entries ------------------------------------------------------------------------------

def entries(im, compressed=False):
    """Mappings of data, in the order of the disk."""
    return [m for _, m in sorted(im.map.items()) if m.compressed == compressed]


def flip(raw, at, bit):
    struct.pack_into(">Q", raw, at, be64(raw, at) ^ 1 << bit)


def l2_entry(im, part=0.5, compressed=False):
    found = entries(im, compressed)
    return found[int(len(found) * part)].l2_entry.at


def l1_entry(im):
    return middle(im.tables(im.l1))[0].at


def bit(name, entry, number, applies=None):
    @damage("bit: " + name, applies)
    def _(raw, im, rng):
        flip(raw, entry(im), number(im) if callable(number) else number)


def has_compressed(im):
    return any(m.compressed for m in im.map.values())


def zero_is_reserved(im):
    """Elsewhere the flag says that the cluster reads as zeros, and nothing is wrong with that."""
    return im.version == 2 or im.entry_len == 16


def compressed_entry(im):
    return l2_entry(im, compressed=True)


bit("L1 offset, low", l1_entry, lambda im: im.bits + 2)
bit("L1 offset, high", l1_entry, 44)
bit("L1 offset, unaligned", l1_entry, lambda im: im.bits - 1)
bit("L1 reserved", l1_entry, 60)
bit("L1 COPIED", l1_entry, 63)
bit("L2 offset, low", l2_entry, lambda im: im.bits + 2)
bit("L2 offset, high", l2_entry, 44)
bit("L2 offset, unaligned", l2_entry, lambda im: im.bits - 1)
bit("L2 reserved", l2_entry, 58)
bit("L2 COPIED", l2_entry, 63)
bit("L2 compressed", l2_entry, 62)
bit("L2 zero", l2_entry, 0, zero_is_reserved)
bit("compressed offset, low", compressed_entry, 5, has_compressed)
bit("compressed offset, high", compressed_entry, 40, has_compressed)
bit("compressed length", compressed_entry, lambda im: 62 - (im.bits - 8) + 2, has_compressed)


@damage("bit: refcount")
def _(raw, im, rng):
    cluster = entries(im)[len(entries(im)) // 3].data.at >> im.bits
    count(raw, im, cluster, 3)


@damage("bit: subcluster both", lambda im: im.entry_len == 16)
def _(raw, im, rng):
    """The second subcluster that has data has also been zeroed."""
    flip(raw, l2_entry(im) + 8, 33)


@damage("L2 entries doubled")
def _(raw, im, rng):
    """Some entries lead to where their neighbours lead."""
    found = entries(im)
    for i in range(len(found) // 4, len(found) // 4 + 10, 2):
        at = found[i].l2_entry.at
        raw[at + im.entry_len:at + 2 * im.entry_len] = raw[at:at + im.entry_len]


@damage("L2 entry into L1")
def _(raw, im, rng):
    struct.pack_into(">Q", raw, l2_entry(im), COPIED | im.l1.at)


@damage("L2 entry into refcounts")
def _(raw, im, rng):
    struct.pack_into(">Q", raw, l2_entry(im), COPIED | im.refblocks[0].at)


@damage("L1 entry into data")
def _(raw, im, rng):
    struct.pack_into(">Q", raw, l1_entry(im), COPIED | entries(im)[7].data.at)


@damage("L1 entries doubled")
def _(raw, im, rng):
    at = l1_entry(im)
    raw[at:at + 8] = raw[at - 8:at]


@damage("refcount block shared")
def _(raw, im, rng):
    """The refcount table leads to an L2 table."""
    table = l2_tables(im)[0]
    struct.pack_into(">Q", raw, im.reftable.at, table.at)


@damage("L2 entries lost")
def _(raw, im, rng):
    """A few entries, here and there, are zero."""
    found = entries(im)
    for i in range(5, len(found), len(found) // 7):
        zero(raw, found[i].l2_entry)


def l2_with_room(im):
    """Tables of which the first entry is in use and the last one is not: when they are moved,
    nothing is missed."""
    used = {m.l2_entry.at for m in im.map.values()}
    return [table for table in l2_tables(im)
            if table.at in used and table.at + table.len - im.entry_len not in used]


@damage("L2 with room shifted", l2_with_room)
def _(raw, im, rng):
    shift(raw, l2_with_room(im)[-1], im.entry_len, rng)
