"""The recorded builds of tests/data/builds: their context, the questions that they answer, what BuildKit did."""

from __future__ import annotations

from pathlib import Path

from lab.buildkit.cachekeys.state import Options
from lab.buildkit.contenthash.entry import Entry, Kind, file, walk_key
from lab.buildkit.progress.reader import Reader
from lab.buildkit.rulebook import Rulebook
from lab.explain.predict import with_reasons
from lab.explain.question import Question
from lab.explain.subject import Subject
from lab.model import Outcome
from lab.registry.manifests import Platform
from lab.registry.sources.reading import read_sources
from lab.results.facts import ImageFacts
from tests.conftest import ROOT

TWO = ROOT / "tests" / "data" / "builds" / "two-stages"
BOOK = Rulebook(ROOT / "boxes")
BASE = ImageFacts.model_validate_json((TWO / "base.json").read_text(encoding="utf-8"))
DOCKERFILE = (TWO / "Dockerfile").read_text(encoding="utf-8")
PACKAGE = b'{\n  "name": "app",\n  "version": "1.0.0"\n}\n'
START = b"#!/bin/sh\ncat all\n"
CHANGES: dict[str, dict[str, bytes]] = {
    "none": {},
    "crlf": {"package.json": PACKAGE.replace(b"\n", b"\r\n")},
    "both": {"package.json": PACKAGE.replace(b"\n", b"\r\n"), "start.sh": b"#!/bin/sh\ncat all # new\n"},
}
SOURCES = {"max": f"type=local,src={ROOT / 'templates' / 'example' / 'cache'}", "inline": str(TWO / "image")}


def contents(change: str) -> dict[str, tuple[bytes, int]]:
    """The files of the context by their paths, each with its mode, after one of the changes."""
    files = {
        "Dockerfile": (DOCKERFILE.encode(), 0o644),
        "package.json": (PACKAGE, 0o644),
        "src/main.js": (b'console.log("hello")\n', 0o644),
        "src/more.js": (b'console.log("more")\n', 0o644),
        "start.sh": (START, 0o755),
    }
    return files | {name: (data, files[name][1]) for name, data in CHANGES[change].items()}


def write(folder: Path, change: str) -> Path:
    """The context as a folder."""
    for name, (data, mode) in contents(change).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        path.parent.chmod(0o755)
        path.write_bytes(data)
        path.chmod(mode)
    return folder


def question(source: str, change: str, *, based: bool = True, dockerfile: str = DOCKERFILE) -> Question:
    """What a rebuild by the BuildKit of Docker 26.1.5 asks; `based` is false where the base image cannot be read."""
    found = read_sources([SOURCES[source]], Platform(), 5)[0]
    entries: list[Entry] = [Entry("src", kind=Kind.DIR, mode=0o755)]
    entries += [file(name, data, mode=mode) for name, (data, mode) in contents(change).items()]
    entries.sort(key=walk_key)
    known = BOOK.need("26.1.5")
    name = dockerfile.split()[1]
    bases = {name: BASE} if based else {}
    return Question(dockerfile, entries, known, found.caches, source == "inline", found.image, bases, options=Options())


def outcomes(log: str) -> dict[str, Outcome]:
    """What BuildKit did with each step, by its stage and number, from a recorded log."""
    reader = Reader()
    reader.feed((TWO / "logs" / f"{log}.txt").read_bytes())
    reader.flush()
    [build] = reader.builds
    return {f"{step.stage} {step.place}": step.outcome for step in build.steps if step.outcome is not Outcome.BASE}


def predicted(subject: Subject) -> tuple[Outcome, ...]:
    """One predicted outcome for each of the run's instructions."""
    return with_reasons(subject)[0]
