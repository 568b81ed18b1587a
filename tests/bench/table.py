# SPDX-License-Identifier: LGPL-2.1-or-later
"""What came out: one table with goals and verdicts, the figures in a file, and a comparison with
those that were committed last."""
import json
import os
import statistics

MIB = 1 << 20
HEAD = ("| job | command | median s | best s | paired ratio | best ratio | goal | size ratio | "
        "goal | memory MiB | limit | met |\n|" + "---|" * 12)


def figures(job, contenders):
    """Of the last contender, ours: ratios to the first, whatever the machine's speed."""
    base, ours = contenders[0], contenders[-1]
    ratios = [a / b for a, b in zip(ours.times, base.times)]
    return {
        "ratios": [round(r, 4) for r in ratios],
        "best": round(min(ours.times) / min(base.times), 4),
        "size": round(ours.size / base.size, 4) if base.size else None,
        "memory": round(ours.memory),
        "met": not missed(job, contenders),
    }


def ratio(c, base):
    return (statistics.median(a / b for a, b in zip(c.times, base.times)),
            min(c.times) / min(base.times))


def missed(job, contenders):
    """Names of the goals that ours does not reach."""
    base, ours = contenders[0], contenders[-1]
    names = []
    if job.goal and min(ratio(ours, base)) > job.goal:
        names.append("time")
    if job.smaller and ours.size > job.smaller * base.size:
        names.append("size")
    if job.limit and ours.memory > job.limit:
        names.append("memory")
    return names


def verdict(job, contenders):
    if job.goal or job.smaller or job.limit:
        return "NO: " + ", ".join(missed(job, contenders)) if missed(job, contenders) else "yes"
    return ""


def lines(job, contenders):
    base, ours = contenders[0], contenders[-1]
    for c in contenders:
        paired, best = ratio(c, base)
        size = f"{c.size / base.size:.3f}" if base.size else ""
        goals = [f"{goal:g}" if c is ours and goal else ""
                 for goal in (job.goal, job.smaller, job.limit)]
        at_least = ">" if c.stopped else ""
        yield (f"| {job.name} | {c.label} | {at_least}{statistics.median(c.times):.4f} | "
               f"{at_least}{min(c.times):.4f} | {paired:.3f} | {best:.3f} | {goals[0]} | {size} | "
               f"{goals[1]} | {c.memory:.0f} | {goals[2]} | "
               f"{verdict(job, contenders) if c is ours else ''} |")


def worse(old, new):
    """What became worse beyond noise.  Time: each round is slower than all rounds were, and the
    median by a tenth; one round alone says little."""
    then, now = old["ratios"], new["ratios"]
    if min(now) > max(then) and statistics.median(now) > 1.1 * statistics.median(then):
        yield "time %.3f, was %.3f" % (statistics.median(now), statistics.median(then))
    if old["size"] and new["size"] and new["size"] > 1.005 * old["size"]:
        yield "size %.3f, was %.3f" % (new["size"], old["size"])
    if new["memory"] > old["memory"] + 8:
        yield "memory %d MiB, was %d" % (new["memory"], old["memory"])


class Table:
    """committed: the file that is compared with; folder: gets results.md and results.json."""

    def __init__(self, folder, committed):
        self.folder, self.committed, self.new = folder, committed, {}
        with open(committed, encoding="utf-8") as f:
            self.old = json.load(f)
        with open(os.path.join(folder, "results.md"), "w", encoding="utf-8"):
            pass
        self.say(HEAD)

    def say(self, text):
        print(text, flush=True)
        with open(os.path.join(self.folder, "results.md"), "a", encoding="utf-8") as f:
            f.write(text + "\n")

    def add(self, job, contenders):
        self.new[job.name] = figures(job, contenders)
        for line in lines(job, contenders):
            self.say(line)
        save(os.path.join(self.folder, "results.json"), self.new)

    def end(self):
        """Whether nothing became worse."""
        found = [f"{name}: {what}" for name, new in self.new.items() if name in self.old
                 for what in worse(self.old[name], new)]
        known = sum(name in self.old for name in self.new)
        self.say(f"\n{sum(one['met'] for one in self.new.values())} of {len(self.new)} jobs reach "
                 f"what they have to; {known} of them were measured before.")
        for line in found:
            self.say("WORSE: " + line)
        return not found

    def keep(self):
        """What was measured becomes what is compared with; the rest stays."""
        save(self.committed, {**self.old, **self.new})


def save(path, jobs):
    """A line for each job."""
    with open(path, "w", encoding="utf-8") as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}"
                                   for name, one in jobs.items()) + "\n}\n")
