"""Whole Dockerfiles: every definition that lab computes is the one that BuildKit's own code makes.

tests/data/cachekeys/whole/README.md states where the expected values come from.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

import pytest

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.definition import record, source_record
from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.graph import Input
from lab.buildkit.cachekeys.needs import images_needed
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.cachekeys.step import Plan
from lab.buildkit.contenthash.query import deduplicated
from lab.buildkit.contenthash.rules import Rules
from lab.errors import ReadError
from tests.conftest import ROOT
from tests.vectors import BOOK

DATA = ROOT / "tests" / "data" / "cachekeys" / "whole"
IMAGES = json.loads((DATA / "images.json").read_text(encoding="utf-8"))
TOPICS = sorted(path.stem for path in DATA.glob("*.jsonl"))
DOCKERS = ("20.10.24", "26.1.5", "28.5.2")
SYNTAX = {"0.13.2-labs": "docker/dockerfile:1.7-labs", "0.25.2-labs": "docker/dockerfile:1.19-labs"}
# Docker engines with the code of a BuildKit, which merges layers
SAME_CODE = {"0.13.2": "26.1.5", "0.25.2": "28.5.2", "0.13.2-labs": "26.1.5", "0.25.2-labs": "28.5.2"}
ENGINES = (*DOCKERS, *SAME_CODE)
MISCOUNTED = "[x 3/2] RUN x"  # BuildKit counts the steps of a stage again when a trigger copies from it
UNKNOWN = 36  # operations of all files and engines together that lab says it does not know

# A build for several platforms prints the platform before the stage, and a merge of layers LINK before the text.
NAME = re.compile(r"\[(?:linux/\S+ )?(?:(?P<stage>\S+) )?(?P<number>\d+)/\d+\] (?:LINK )?(?P<text>.*)", re.DOTALL)

Case = dict[str, Any]
Vertex = dict[str, Any]


@cache
def cases(topic: str) -> list[Case]:
    return [json.loads(line) for line in (DATA / f"{topic}.jsonl").read_text(encoding="utf-8").splitlines()]


def answer(case: Case, engine: str) -> Any:
    """What the engine makes of the build; None if it was not recorded."""
    engines = case["engines"]
    return engines.get(engine, None if engine in SYNTAX else engines.get(SAME_CODE.get(engine, "")))


def recorded_pairs() -> list[tuple[str, str]]:
    """The topics with the engines for which answers were recorded."""
    return [
        (topic, engine)
        for topic in TOPICS
        for engine in ENGINES
        if any(isinstance(answer(case, engine), list) for case in cases(topic))
    ]


def options_of(given: dict[str, Any], *, merges: bool) -> Options | None:
    """The options as lab takes them; None for frontend attributes that no option of docker build sets."""
    if "frontend" in given:
        return None
    filtered = given.get("no_cache_filter")
    return Options(
        network=given.get("network", "default"),
        build_args=given.get("build_args", {}),
        contexts=given.get("contexts", {}),
        hosts=tuple(host.partition(":")[0] for host in given.get("add_hosts", [])),
        ulimits=tuple(given.get("ulimits", [])),
        shm_size=given.get("shm_size", 0),
        no_cache=() if filtered is None else tuple(filtered) or ("",),
        platform=given.get("platform", ""),
        worker="linux/amd64",
        merges=merges,
    )


def image(key: str, target: str) -> BaseImage:
    """The image that `plan` names `key`, as the recorded frontend was told it."""
    platform, name = key.removeprefix("--platform=").split(" ") if key.startswith("--") else (target, key)
    arch = platform.removeprefix("linux/").replace("arm64/v8", "arm64").replace("/", "")
    short = name.removeprefix("docker.io/").removeprefix("library/").removesuffix(":latest")
    config = IMAGES[short]
    return BaseImage(
        diff_ids=("sha256:" + sha256(f"{short} {arch}".encode()).hexdigest(),),
        manifests=("sha256:" + sha256(short.encode()).hexdigest(),),
        env=tuple(config.get("Env", ())),
        workdir=config.get("WorkingDir", ""),
        user=config.get("User", ""),
        shell=tuple(config.get("Shell", ())),
        onbuild=tuple(config.get("OnBuild", ())),
    )


def rules_of(engine: str) -> Rules:
    return BOOK.need(SAME_CODE.get(engine, engine)).rules


def planned(case: Case, engine: str) -> Plan | None:
    """lab's plan of the build; None if it has options that lab does not take, ReadError if lab refuses it."""
    given = case["options"]
    options = options_of(given, merges=engine in SAME_CODE)
    if options is None:
        return None
    syntax = f"# syntax={SYNTAX[engine]}\n" if engine in SYNTAX else ""
    read = parse(syntax + case["dockerfile"])
    target = given.get("target")
    known = BOOK.need(SAME_CODE.get(engine, engine))
    bases = {key: image(key, given.get("platform", "linux/amd64")) for key in images_needed(read, options, target)}
    return plan(read, bases, known.dialect, lambda _: "a content record", options, target)


@dataclass
class Comparison:
    """A plan of lab beside the recorded operations, compared from the result to the sources."""

    plan: Plan
    recorded: list[Vertex]
    rules: Rules
    differences: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    known: int = 0
    seen: dict[int, int] = field(default_factory=dict)

    def compare(self, mine: int, theirs: int) -> None:
        vertex, real = self.plan.vertices[mine], self.recorded[theirs]
        if mine in self.seen:
            if self.seen[mine] != theirs:
                self.differences.append(f"{real.get('name')}: lab takes two operations for one and the same")
            return
        self.seen[mine] = theirs
        name = real.get("name", real.get("source"))
        if vertex.ignored != real.get("ignore_cache", False):
            self.differences.append(f"{name}: lab says ignored={vertex.ignored}")
        if vertex.unclear is not None:
            self.unknown.append(f"{name}: {vertex.unclear}")
            return
        if vertex.is_source or real["type"] == "source":
            self.source(vertex.is_source, vertex.roots, real)
            return
        self.known += 1
        if vertex.record != record("sha256:" + sha256(real["definition"].encode()).hexdigest()):
            self.differences.append(f"{name}: another definition than {real['definition']}")
        if len(vertex.inputs) != len(real["deps"]):
            self.differences.append(f"{name}: {len(vertex.inputs)} inputs instead of {len(real['deps'])}")
            return
        for item, dep in zip(vertex.inputs, real["deps"], strict=True):
            self.differences += [f"{name}: {text}" for text in differences_of(item, dep, self.rules)]
            self.compare(item.vertex, dep["to"])

    def source(self, is_source: bool, roots: tuple[str, ...], real: Vertex) -> None:
        if not is_source or real["type"] != "source":
            self.differences.append(f"{real.get('name')}: only one of the two is a source")
        elif real["source"].startswith("docker-image://") and not roots:
            self.unknown.append(f"{real['source']}: lab does not know the image")
        elif real["source"].startswith("docker-image://"):
            arch = real.get("platform", "linux/amd64").removeprefix("linux/").replace("/", "")
            short = real["source"].removeprefix("docker-image://").removeprefix("docker.io/library/")
            names = {short, short.rpartition("@")[0]}
            names |= {name.removesuffix(":latest") for name in names}
            wanted = {source_record(["sha256:" + sha256(f"{name} {arch}".encode()).hexdigest()]) for name in names}
            if not wanted & set(roots):
                self.differences.append(f"{real['source']}: another image")

    def names(self, dockerfile: str) -> Iterator[str]:
        """The steps whose number, stage and text are not those that BuildKit prints.

        A step that stands in two stages is left out: BuildKit takes the name of either of them.
        """
        for theirs in set(self.seen.values()):
            printed = NAME.fullmatch(self.recorded[theirs].get("name", ""))
            steps = [step for step in self.plan.steps if step.vertices and self.seen.get(step.vertices[-1]) == theirs]
            if not printed or not steps or printed[0] == MISCOUNTED or dockerfile.count(f"\n{printed['text']}\n") > 1:
                continue
            if all((s.stage, s.number, s.printed) != name_of(printed) for s in steps):
                yield f"{printed[0]}: lab says {[(step.stage, step.number, step.printed) for step in steps]}"


def name_of(printed: re.Match[str]) -> tuple[str, int, str]:
    return printed["stage"] or "", int(printed["number"]), printed["text"]


def differences_of(item: Input, dep: dict[str, Any], rules: Rules) -> Iterator[str]:
    if item.selector != dep.get("selector", "") and not ("content" in dep and not item.hashed):
        yield f"selector {item.selector} instead of {dep.get('selector', '')}"
    if item.hashed != ("content" in dep):
        yield f"its input {'is' if item.hashed else 'is not'} looked up by its content"
    elif isinstance(item.request, Copy) and dep["content"]:
        mine = [(query.path, query.include, query.exclude) for query in deduplicated(item.request.queries, rules)]
        theirs = sorted(
            (part["path"], tuple(part.get("include", ())), tuple(part.get("exclude", ()))) for part in dep["content"]
        )
        if mine != theirs:
            yield f"the paths {mine} instead of {theirs}"


@cache
def compared(topic: str, engine: str) -> tuple[list[str], list[str], int]:
    """The differences, the unknown operations and the number of known ones of all files of a topic."""
    differences, unknown, known = [], [], 0
    for case in cases(topic):
        numbers = answer(case, engine)
        if not isinstance(numbers, list):
            continue
        where = f"{case['name']} ({engine}): "
        try:
            made = planned(case, engine)
        except ReadError as error:
            differences.append(where + f"lab refuses it: {error.message}")
            continue
        if made is None:
            continue
        comparison = Comparison(made, [case["vertices"][number] for number in numbers], rules_of(engine))
        if made.final is not None and numbers:
            comparison.compare(made.final, len(numbers) - 1)
            comparison.differences += comparison.names(case["dockerfile"])
        elif (made.final is None) != (not numbers):
            comparison.differences.append("only one of the two has a result")
        differences += [where + text for text in comparison.differences]
        unknown += [where + text for text in comparison.unknown]
        known += comparison.known
    return differences, unknown, known


@pytest.mark.parametrize(("topic", "engine"), recorded_pairs())
def test_no_definition_that_lab_knows_differs_from_buildkits(topic: str, engine: str) -> None:
    differences, _, known = compared(topic, engine)
    assert differences == []
    assert known


def test_few_operations_are_unknown() -> None:
    results = [compared(topic, engine) for topic, engine in recorded_pairs()]
    unknown = [text for _, texts, _ in results for text in texts]
    sys.stdout.write(f"{len(unknown)} operations are unknown\n")
    assert len(unknown) <= UNKNOWN, "\n".join(unknown)


def test_a_changed_definition_is_noticed() -> None:
    case = next(case for case in cases("variables") if case["name"] == "plain-env")
    recorded = [dict(case["vertices"][number]) for number in answer(case, "28.5.2")]
    recorded[-1]["definition"] = recorded[-1]["definition"].replace("A=1", "A=2")
    made = planned(case, "28.5.2")
    assert made is not None
    assert made.final is not None
    comparison = Comparison(made, recorded, rules_of("28.5.2"))
    comparison.compare(made.final, len(recorded) - 1)
    assert [text.partition(" than ")[0] for text in comparison.differences] == ["[2/2] RUN env: another definition"]
