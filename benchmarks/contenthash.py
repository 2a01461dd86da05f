"""Measure the numbers of digests and of the search that benchmarks/README.md states: on a machine with nothing to do.

A context of 10,000 files and 1 GiB is made in a folder of its own; `lab digest` and `sha256sum` read the same files in
turn, from the page cache. `lab why` searches for a producer's file with images made for it. All are whole processes,
timed from outside. The rate of the search is what `lab why --json` says of it: candidates over its seconds. The rules
on all objects are timed within this process, as processor time.
"""

from __future__ import annotations

import base64
import io
import json
import os
import statistics
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lab.__main__ import collect_less
from lab.buildkit.cachekeys.inline import KEY
from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.contenthash.query import Query, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.buildkit.rulebook import Rulebook
from lab.explain.search.case import begin
from lab.explain.search.compound import Compound, used_by
from lab.explain.search.search import LIKELY
from lab.explain.search.usual import load_usual
from lab.explain.search.world import world
from lab.project import find
from tests.digests import content_digest
from tests.explain.search.trees import checkout

ROUNDS = 5
FILES = 10_000
FILE_BYTES = (1 << 30) // FILES + 1


def main() -> None:
    """Print every figure with its bound; exit status 1 if one misses it."""
    figures = []
    with TemporaryDirectory() as folder:
        make_context(Path(folder))
        ours, theirs, peak = side_by_side(Path(folder))
        print(f"  lab digest {ours:.2f} s, sha256sum {theirs:.2f} s (medians of {ROUNDS})")
        figures.append(("10,000 files and 1 GiB: lab digest / sha256sum", ours / theirs, 1.5, "times"))
        figures.append(("10,000 files and 1 GiB: memory of lab digest", peak, 150.0, "MB"))
    book = Rulebook(find().boxes)
    for engine in ("19.03.8", "29.1.0"):
        rules = book.need(engine).rules
        tried, searching, whole = nothing_fits(engine)
        rate = f"{tried:,} candidates, {tried / searching:,.0f} a second"
        print(f"  lab why on Docker {engine}: {rate}; {whole:.2f} s from start to end of the process")
        # as seconds for what must be tried in one, so that every bound is an upper one
        figures.append((f"20,000 candidates for a file of 4 bytes, {rules.name}", 20_000 * searching / tried, 1.0, "s"))
        for shape, entries in (("in one folder", flat()), ("in 50 folders", nested())):
            seconds = one_mode(entries, engine, rules)
            figures.append((f"one changed mode of 1,000 files {shape}, {rules.name}", seconds, 5.0, "s"))
    likely, everything, candidates = rules_on_all_objects()
    print(f"  all {candidates:,} combinations of rules on 10,000 files: {everything:.2f} s")
    figures.append(("the likely combinations of rules on 10,000 files", likely, 1.0, "s"))
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


def program(argv: list[str], output: Path = Path(os.devnull), wanted: int = 0) -> tuple[float, float]:
    """Seconds and peak memory in MB of a whole program that must end with `wanted`; `output` is where it prints to."""
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT, 0o600)]
    clock = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=nowhere)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - clock
    if os.waitstatus_to_exitcode(status) != wanted:
        sys.exit(f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss / 1024


def nothing_fits(engine: str) -> tuple[int, float, float]:
    """Candidates for one small file, and the median seconds of a search that tries all in vain, and of its process."""
    context = [file("bar", b"bar\n")]
    rounds = [searched(context, "bar", engine, "sha256:" + "0" * 64) for _ in range(ROUNDS)]
    assert all(found["found"] is None and found["complete"] for found, _ in rounds)
    searching = statistics.median(found["seconds"] for found, _ in rounds)
    return rounds[0][0]["tried"], searching, statistics.median(seconds for _, seconds in rounds)


def one_mode(entries: list[Entry], engine: str, rules: Rules) -> float:
    """Seconds of `lab why` that names the one file whose mode the producer had otherwise: one in the last quarter."""
    place = len(entries) * 3 // 4
    theirs = list(entries)
    theirs[place] = replace(theirs[place], mode=0o600)
    wanted = content_record(content_digest(Tree.read(theirs, rules), ["d"], rules))
    rounds = [searched(entries, "d", engine, wanted) for _ in range(ROUNDS)]
    for found, _ in rounds:
        [difference] = found["found"]["differences"]
        assert (difference["path"], difference["producer"]) == (theirs[place].path, "0600")
    return statistics.median(seconds for _, seconds in rounds)


def rules_on_all_objects() -> tuple[float, float, int]:
    """Median seconds of the combinations of rules that come first, and of all, and their number.

    The context is a git checkout of 100 folders of 100 files, with leftovers in 20 folders and a link.
    """
    entries = [Entry(f"d{number:03}", Kind.DIR, 0o755) for number in range(100)]
    for number in range(FILES):
        name = f"d{number // 100:03}/f{number % 100:03}" + (".sh" if number % 10 == 0 else ".py")
        entries.append(file(name, b"line %d\n" % number * 50, 0o755 if name.endswith(".sh") else 0o644))
    entries.append(Entry("link", Kind.SYMLINK, 0o777, linkname="d001"))
    known = checkout(entries)
    entries += [file(f"d{number:03}/.DS_Store", b"x" * 300) for number in range(20)]
    rules = Rulebook(find().boxes).need("29.1.0").rules
    collect_less()  # as in every process of lab
    case = begin(entries, [Query(".")], rules)
    usual = load_usual(find().boxes)
    likely, everything, candidates = [], [], 0
    for _ in range(ROUNDS):
        clock = time.process_time()
        made = Compound(world(case.entries, used_by(case), known), usual, case.queries, rules)
        candidates = sum(1 for _ in made.candidates(0, LIKELY))
        likely.append(time.process_time() - clock)
        candidates += sum(1 for _ in made.candidates(LIKELY + 1))
        everything.append(time.process_time() - clock)
    return statistics.median(likely), statistics.median(everything), candidates


def searched(entries: list[Entry], source: str, engine: str, wanted: str) -> tuple[dict[str, Any], float]:
    """What `lab why` says of its search in a context written to disk for an image with one record, and its seconds."""
    with TemporaryDirectory() as folder:
        context, answer = Path(folder) / "context", Path(folder) / "answer.json"
        context.mkdir()
        for entry in entries:
            path = context / entry.path
            if entry.kind is Kind.DIR:
                path.mkdir()
            else:
                path.write_bytes(entry.content if isinstance(entry.content, bytes) else b"")
            path.chmod(entry.mode)
        (context / "Dockerfile").write_text(f"FROM scratch\nCOPY {source} /x\n", encoding="utf-8")
        image = image_with(Path(folder) / "image.tar", wanted)
        argv = [
            sys.executable,
            "-m",
            "lab",
            "why",
            "--json",
            "--engine",
            engine,
            "--cache-from",
            str(image),
            str(context),
        ]
        seconds, _ = program(argv, answer, wanted=4)
        return json.loads(answer.read_text(encoding="utf-8"))["steps"][0]["search"], seconds


def image_with(path: Path, record: str) -> Path:
    """An archive as `docker save` writes it, of an image whose inline cache has one record of a content."""
    cache = base64.b64encode(json.dumps([{"digest": record}]).encode()).decode()
    layers = {"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "1" * 64]}}
    files = {
        "manifest.json": [{"Config": "c.json", "Layers": ["layer.tar"]}],
        "c.json": {"os": "linux", "architecture": "amd64", **layers, KEY: cache},
        "layer.tar": "",
    }
    with tarfile.open(path, "w") as archive:
        for name, value in files.items():
            data = json.dumps(value).encode()
            item = tarfile.TarInfo(name)
            item.size = len(data)
            archive.addfile(item, io.BytesIO(data))
    return path


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


if __name__ == "__main__":
    main()
