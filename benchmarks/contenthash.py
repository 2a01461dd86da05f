"""Measure the numbers of digests and of the search that benchmarks/README.md states: on a machine with nothing to do.

A context of 10,000 files and 1 GiB is made in a folder of its own; `lab digest` and `sha256sum` read the same files in
turn, as whole processes, from the page cache. The search is measured inside this process.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.contenthash.entry import Entry, Kind, file
from lab.contenthash.query import Query, content_digest, content_record
from lab.contenthash.rules import Rules
from lab.contenthash.tree import Tree
from lab.project import find
from lab.rulebook import Rulebook
from lab.tweaks.search import search
from lab.tweaks.usual import Usual
from lab.usual_values import load_usual

ROUNDS = 5
FILES = 10_000
FILE_BYTES = (1 << 30) // FILES + 1


def main() -> None:
    """Print every figure with its bound; exit status 1 if one misses it."""
    boxes = find().boxes
    book, usual = Rulebook(boxes), load_usual(boxes)
    figures = []
    with TemporaryDirectory() as folder:
        make_context(Path(folder))
        ours, theirs, peak = side_by_side(Path(folder))
        print(f"  lab digest {ours:.2f} s, sha256sum {theirs:.2f} s (medians of {ROUNDS})")
        figures.append(("10,000 files and 1 GiB: lab digest / sha256sum", ours / theirs, 1.5, "times"))
        figures.append(("10,000 files and 1 GiB: memory of lab digest", peak, 150.0, "MB"))
    for name in ("R1", "R9"):
        rate = small_file_rate(book.rules(name), usual)
        # as seconds for what must be tried in one, so that every bound is an upper one
        print(f"  {rate:,.0f} candidates a second under {name}")
        figures.append((f"20,000 candidates for a file of 4 bytes, {name}", 20_000 / rate, 1.0, "s"))
        for shape, entries in (("in one folder", flat()), ("in 50 folders", nested())):
            seconds = one_mode(entries, book.rules(name), usual)
            figures.append((f"one changed mode of 1,000 files {shape}, {name}", seconds, 5.0, "s"))
    for what, value, bound, unit in figures:
        print(f"{'ok  ' if value <= bound else 'OVER'} {what}: {value:.3g} {unit} (bound {bound:g})")
    sys.exit(any(value > bound for _, value, bound, _ in figures))


def make_context(folder: Path) -> None:
    """100 folders of 100 files, no two alike."""
    block = os.urandom(1 << 20) * 2
    for number in range(FILES):
        path = folder / f"d{number // 100:03}" / f"f{number % 100:03}"
        path.parent.mkdir(exist_ok=True)
        start = number * 97 % (1 << 20)
        path.write_bytes(block[start : start + FILE_BYTES])


def side_by_side(folder: Path) -> tuple[float, float, float]:
    """Median seconds of both programs, in turn, and the most memory that ours took, in MB."""
    ours, theirs, peaks = [], [], []
    digest = [sys.executable, "-m", "lab", "digest", "--context", str(folder), "."]
    sums = ["sh", "-c", f"find {folder} -type f -print0 | xargs -0 sha256sum"]
    for _ in range(ROUNDS):
        seconds, peak = program(digest)
        ours.append(seconds)
        peaks.append(peak)
        theirs.append(program(sums)[0])
    return statistics.median(ours), statistics.median(theirs), max(peaks)


def program(argv: list[str]) -> tuple[float, float]:
    """Seconds and peak memory in MB of a whole program that must succeed; its output is thrown away."""
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    clock = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=nowhere)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - clock
    if status:
        sys.exit(f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss / 1024


def small_file_rate(rules: Rules, usual: Usual) -> float:
    """Candidates a second where nothing is found, all stages together."""
    rates = []
    for _ in range(ROUNDS):
        result = search([file("bar", b"bar\n")], [Query("bar")], rules, {"none"}, usual)
        rates.append(result.tried / result.seconds)
    return statistics.median(rates)


def one_mode(entries: list[Entry], rules: Rules, usual: Usual) -> float:
    """Seconds until the one file is named whose mode the producer had otherwise: one in the last quarter."""
    place = len(entries) * 3 // 4
    theirs = list(entries)
    theirs[place] = replace(theirs[place], mode=0o600)
    wanted = content_record(content_digest(Tree.read(theirs, rules), ["."], rules))
    clock = time.monotonic()
    result = search(entries, [Query(".")], rules, {wanted}, usual)
    assert result.finding and result.finding.differences[0].path == theirs[place].path
    return time.monotonic() - clock


def flat() -> list[Entry]:
    """1,000 files in one folder."""
    return [
        Entry("d", Kind.DIR, 0o755),
        *(file(f"d/f{number:04}", b"line %d\n" % number * 50) for number in range(1000)),
    ]


def nested() -> list[Entry]:
    """1,000 files in 50 folders."""
    entries = [Entry("d", Kind.DIR, 0o755)]
    for folder in range(50):
        entries.append(Entry(f"d/s{folder:02}", Kind.DIR, 0o755))
        entries += [file(f"d/s{folder:02}/f{number:02}", b"line %d\n" % number * 50) for number in range(20)]
    return entries


main()
