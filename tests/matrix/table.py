# SPDX-License-Identifier: LGPL-2.1-or-later
"""The matrix as a table for people: what can be read in percent of what is in the file."""

READINGS = [("derivable", "deriv."), ("before, qemu-img", "qemu"), ("before", "before"),
            ("qemu-img check -r all", "qemu -r"), ("repaired", "repair"),
            ("salvaged", "salvage"), ("better of both", "both")]
WRONG = [("qemu-img check -r all silently wrong", "qemu -r"), ("repaired silently wrong", "repair"),
         ("salvaged silently wrong", "salvage"), ("salvaged, wrong guesses", "guess")]


def print_head():
    print("%-11s%-26s%9s  %s  wrong, in KiB: silent, and guesses" % (
        "", "", "in file", "readable, in % of it".ljust(8 * len(READINGS))))
    print("%-11s%-26s%9s  %s" % (
        "layout", "damage", "KiB", "".join("%8s" % title for _, title in READINGS + WRONG)))


def percent(part, whole):
    """Only what is all is shown as 100."""
    if part is None:
        return "-"
    if not whole or part == whole:
        return "100"
    return "%.1f" % min(100 * part / whole, 99.9)


def print_figures(layout, damage, figures, end=""):
    whole = figures["in file"]
    readable = "".join("%8s" % percent(figures.get(key), whole) for key, _ in READINGS)
    wrong = "".join("%8s" % (figures[key] // 1024 if key in figures else "-") for key, _ in WRONG)
    print("%-11s%-26s%9d  %s%s%s" % (layout, damage, whole // 1024, readable, wrong, end),
          flush=True)


def print_cell(cell):
    print_figures(cell.layout, cell.damage, cell.figures,
                  "".join("\n    FAILED: " + text for text in cell.broken) +
                  "".join("\n    known: " + text for text in cell.known))


def total(cells):
    keys = [key for key in cells[0].figures if all(key in cell.figures for cell in cells)]
    return {key: sum(cell.figures[key] for cell in cells) for key in keys}


def print_end(cells):
    for layout in dict.fromkeys(cell.layout for cell in cells):
        print_figures(layout, "all", total([c for c in cells if c.layout == layout]))
    print_figures("all", "all", total(cells))
    broken = sum(bool(cell.broken) for cell in cells)
    known = sum(bool(cell.known) for cell in cells)
    print("%d cells; a rule does not hold in %d, and for a known reason in %d" % (
        len(cells), broken, known))
