# SPDX-License-Identifier: LGPL-2.1-or-later
"""One cell of the matrix: one layout with one kind of damage, what becomes of it, and the rules.

repair    no cluster that could be read before is lost by it
          an image that it calls clean is clean for qemu-img check, which reads the same from it,
          and nothing in it is silently wrong
undo      gives back the damaged image, bit for bit
salvage   nothing in what it makes is silently wrong; it does not touch the source
together  all that is derivable can be read after one or the other
"""

import os
import random
import shutil

from readings import Misbehaviour, Reader, holds, run


class Cell:
    """figures: bytes of the disk.  broken: the rules that do not hold, as sentences; known: those
    of which limits.py says why."""

    def __init__(self, form, layout, damage, sound, work, with_qemu):
        self.form, self.layout, self.damage = form, layout, damage
        self.im, self.content, self.empty = sound
        self.with_qemu = with_qemu and self.im.qemu_reads
        name = "%s %s.%s" % (layout, damage, form.name)
        self.path = os.path.join(work, name.replace(" ", "-").replace(":", "").replace(",", ""))
        self.reader = Reader(self.content, self.im.cluster, form.name)
        self.figures, self.broken, self.known = {}, [], []

    def apply(self):
        raw = bytearray(self.im.raw)
        self.form.damages[self.damage][1](raw, self.im, random.Random(self.damage))
        self.damaged = raw
        self.write()
        self.truth = self.form.truth(self.im, raw)
        self.in_file = self.truth.in_file - self.empty
        self.derivable = self.truth.derivable - self.empty
        # Bytes of the disk that are damaged themselves: no table can tell.
        self.spoilt = self.im.map.keys() - self.truth.in_file

    def write(self):
        with open(self.path, "wb") as f:
            f.write(self.damaged)

    def rule(self, name, holds, text):
        if not holds:
            known = {(name, self.damage), (name, self.layout, self.damage)} & \
                self.form.known.keys()
            (self.known if known else self.broken).append(text)

    def put(self, name, clusters):
        self.figures[name] = len(clusters) * self.im.cluster

    def put_reading(self, name, reading, called_clean):
        """Wrong bytes are silent where they are not named in an image that is called clean."""
        silent = reading.silent - self.spoilt if called_clean else set()
        self.put(name, reading.good & self.in_file)
        self.put(name + " silently wrong", silent)
        return silent

    def measure_before(self):
        self.put("in file", self.in_file)
        self.put("derivable", self.derivable)
        self.before = self.reader.by_imgconv(self.path)
        self.put("before", self.before.good & self.in_file)

    def measure_qemu(self):
        self.put("before, qemu-img", self.reader.by_qemu(self.path).good & self.in_file)
        if not self.form.qemu_repairs:
            return
        path = self.path + ".qemu"
        shutil.copyfile(self.path, path)
        try:
            status, _ = run("qemu-img", "check", "-q", "-f", "qcow2", "-r", "all", path)
        except Misbehaviour:
            status = 1
        self.put_reading("qemu-img check -r all", self.reader.by_qemu(path), status == 0)
        os.unlink(path)

    def measure_repair(self):
        status, _ = run("imgcheck", "-f", self.form.name, "-q", "--repair", self.path)
        # What repair leaves alone reads as before.
        self.repaired = self.before if holds(self.path, self.damaged) else \
            self.reader.by_imgconv(self.path)
        silent = self.put_reading("repaired", self.repaired, status == 0)
        self.figures["repair calls clean"] = status == 0
        lost = self.before.good - self.repaired.good - self.spoilt
        self.rule("status", status in (0, 1, 2, 3, 63), "repair has the exit status %d" % status)
        self.rule("kept", not lost, "repair lost %d clusters that could be read" % len(lost))
        self.rule("clean", not silent,
                  "%d clusters are wrong in an image called clean" % len(silent))
        if status == 0 and self.im.qemu_reads:
            self.judge_clean()
        self.undo()

    def judge_clean(self):
        found, _ = run("qemu-img", "check", "-q", "-f", self.form.name, self.path)
        self.rule("judged", found in (0, 63),  # 63: of this format it checks nothing
                  "qemu-img check gives %d where repair calls it clean" % found)
        missed = self.repaired.good - self.reader.by_qemu(self.path).good
        self.rule("judged", not missed, "qemu-img does not read %d clusters of it" % len(missed))

    def undo(self):
        undo = self.path + ".undo"
        if os.path.exists(undo):
            status, _ = run("imgcheck", "-q", "--undo", undo, self.path)
            self.rule("undo", status == 0, "undo has the exit status %d" % status)
            self.rule("undo", not os.path.exists(undo), "undo left its file")
        undone = holds(self.path, self.damaged)
        self.rule("undo", undone, "undo does not give back the damaged bytes")
        if not undone:
            self.write()

    def measure_salvage(self):
        status, self.salvaged = self.reader.by_salvage(self.path)
        silent = self.put_reading("salvaged", self.salvaged, True)
        self.put("salvaged, wrong guesses", self.salvaged.told)
        self.rule("status", status in (0, 1, 2, 4, 5, 63),
                  "salvage has the exit status %d" % status)
        self.rule("told", not silent,
                  "%d clusters are wrong in what was salvaged" % len(silent))
        self.rule("undo", holds(self.path, self.damaged), "salvage has changed its source")

    def judge_together(self):
        missing = self.derivable - self.repaired.good - self.salvaged.good
        self.put("better of both", (self.repaired.good | self.salvaged.good) & self.in_file)
        self.rule("derived", not missing, "%d clusters that are derivable are lost" % len(missing))

    def measure_all(self):
        self.measure_before()
        if self.with_qemu:
            self.measure_qemu()
        self.measure_repair()
        self.measure_salvage()
        self.judge_together()

    def measure(self):
        self.apply()
        try:
            self.measure_all()
        except Misbehaviour as why:
            self.broken.append(str(why))
        # The sets are large, and cells are many.
        self.before = self.repaired = self.salvaged = self.truth = self.spoilt = self.damaged = None
        return self
