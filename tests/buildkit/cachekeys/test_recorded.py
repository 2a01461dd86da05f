"""Caches that real engines wrote: every record of every step is computed exactly, from the Dockerfile and the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.inline import decode
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.solver import Decision, Reason, outcomes, solve
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.contenthash.entry import Entry
from lab.buildkit.contenthash.query import content_part, content_record
from lab.buildkit.contenthash.tree import Tree
from lab.buildkit.records import loads
from lab.model import Outcome
from tests.conftest import ROOT
from tests.vectors import BOOK

DATA = ROOT / "tests" / "data" / "cachekeys"
RAW_BASE = json.loads((DATA / "base.json").read_text(encoding="utf-8"))
BASE = BaseImage(tuple(RAW_BASE["diff_ids"]), tuple(RAW_BASE["manifests"]), env=())
RECORDED = [path.relative_to(DATA) for path in sorted(DATA.glob("*/*.config.json"))]
COMPLETE = [path for path in RECORDED if "stages" not in path.name]


def cache_of(path: Path) -> Cache:
    return decode(json.loads((DATA / path).read_bytes())["moby.buildkit.cache.v0"])


def decide(path: Path, cache: Cache, engine: str | None = None, change: Entry | None = None) -> list[Decision]:
    """Decisions for what was built at `path`, by its own engine or another, with one object changed."""
    known = BOOK.need(engine or path.parent.name)
    name = path.name.removesuffix(".config.json")
    entries = list(loads((DATA / path.parent / f"{name}.context.json").read_text(encoding="utf-8"), name).entries)
    if change:
        entries = [change if entry.path == change.path else entry for entry in entries]
    tree = Tree.read(entries, known.rules)

    def content(copy: Copy) -> str | None:
        part = content_part(tree, copy.queries, known.rules)
        return content_record(part.text) if part else None

    text = (DATA / path.parent / f"{name}.Dockerfile").read_text(encoding="utf-8")
    if engine and engine.startswith("20.10"):  # its frontend rejects the flag
        text = text.replace("RUN --network=none ", "RUN ").replace("RUN --network=default ", "RUN ")
    dockerfile = parse(text)
    return solve(
        [cache], plan(dockerfile, {"localhost:5077/base:1": BASE}, known.dialect, content, Options(network="none"))
    )


def the(engine: str, name: str) -> Path:
    return Path(engine) / f"{name}.config.json"


@pytest.mark.parametrize("path", COMPLETE, ids=str)
def test_every_step_is_found(path: Path) -> None:
    decisions = decide(path, cache_of(path))
    missed = [(decision.step.text, decision.sentence) for decision in decisions if decision.outcome is not Outcome.HIT]
    assert missed == [] and len(decisions) >= 20


@pytest.mark.parametrize("engine", ["20.10.24", "26.1.5"])
def test_stages_that_begin_with_stages(engine: str) -> None:
    path = the(engine, "stages")
    decisions = decide(path, cache_of(path))
    assert [decision.step.text for decision in decisions[:4]] == [
        "RUN echo one",
        "RUN echo two",
        "RUN echo three",
        "COPY --from=one /bin/busybox /bb",
    ]
    assert set(outcomes(decisions)) == {Outcome.HIT}  # as a rebuild on the same engine printed
    assert [decision.step.parents for decision in decisions[:4]] == [(), (0,), (1,), (2, 0)]


@pytest.mark.parametrize("path", COMPLETE, ids=str)
def test_another_mode_of_one_file_misses_at_its_first_copy(path: Path) -> None:
    cache = cache_of(path)
    name = path.name.removesuffix(".config.json")
    first = "COPY bar bar" if name == "many" else "COPY --exclude=**/*.o src /1/"
    changed = "bar" if name == "many" else "src/a.c"
    file = next(
        entry
        for entry in loads((DATA / path.parent / f"{name}.context.json").read_text(encoding="utf-8"), name).entries
        if entry.path == changed
    )
    decisions = decide(path, cache, change=file.but(mode=0o664))
    cause = next(decision for decision in decisions if decision.outcome is not Outcome.HIT)
    assert (cause.step.text, cause.outcome, cause.reason) == (first, Outcome.RAN, Reason.CONTENT)
    assert {decision.reason for decision in decisions[decisions.index(cause) + 1 :]} == {Reason.PARENT}


@pytest.mark.parametrize(
    ("producer", "consumer", "first"),
    [("20.10.24", "26.1.5", Reason.DEFINITION), ("26.1.5", "20.10.24", Reason.DEFINITION), ("28.5.2", "26.1.5", None)],
)
def test_engines_of_other_groups(producer: str, consumer: str, first: Reason | None) -> None:
    """Seen on these engines: RUN of 20.10 and 26.1 do not match each other, those of 26.1 and 28.5 do."""
    path = the(producer, "many")
    decisions = decide(path, cache_of(path), engine=consumer)
    if first:
        assert (decisions[0].outcome, decisions[0].reason) == (Outcome.RAN, first)
    else:
        cause = next(decision for decision in decisions if decision.outcome is Outcome.RAN)
        assert cause.step.text == "COPY --chown=5:6 bar owned"  # byId there, byID here
