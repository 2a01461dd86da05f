"""Whole Dockerfiles: operations, inputs and printed names are those that BuildKit's own code makes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab.buildkit.cachekeys.definition import record
from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.needs import images_needed
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.cachekeys.step import Plan
from tests.conftest import ROOT
from tests.vectors import BOOK

LINES = (ROOT / "tests" / "data" / "cachekeys" / "random.jsonl").read_text(encoding="utf-8").splitlines()
IMAGES = json.loads(LINES[0])["images"]
CASES = [json.loads(line) for line in LINES[1:]]
ENGINES = ("20.10.24", "26.1.5", "28.5.2")


def base(key: str) -> BaseImage:
    raw = IMAGES.get(
        key.split(" ")[-1], {"config": {"Env": ["PATH=/none"]}, "rootfs": {"diff_ids": ["sha256:" + "9" * 64]}}
    )
    config = raw["config"]
    return BaseImage(
        diff_ids=tuple(raw["rootfs"]["diff_ids"]),
        manifests=(f"sha256:{key}",),
        env=tuple(config["Env"]),
        workdir=config.get("WorkingDir", ""),
        user=config.get("User", ""),
        onbuild=tuple(config.get("OnBuild", ())),
    )


def options(case: dict[str, Any]) -> Options:
    given = case["opts"]
    prefix = "build-arg:"
    return Options(
        network=given.get("force-network-mode", "default"),
        build_args={name.removeprefix(prefix): text for name, text in given.items() if name.startswith(prefix)},
        hosts=tuple(item.partition("=")[0] for item in given.get("add-hosts", "").split(",") if item),
        ulimits=tuple(item for item in given.get("ulimit", "").split(",") if item),
        shm_size=int(given.get("shm-size", 0)),
        no_cache=tuple(name for name in given.get("no-cache", "").split(",") if name),
        platform=given.get("platform", ""),
        worker="linux/amd64",
        merges=case["merges"],
    )


def planned(case: dict[str, Any]) -> Plan:
    read, chosen, target = parse(case["dockerfile"]), options(case), case["opts"].get("target")
    dialect = BOOK.need(case["engine"]).dialect
    bases = {key: base(key) for key in images_needed(read, chosen, target, dialect)}
    return plan(read, bases, dialect, lambda _: "sha256:" + "c" * 64, chosen, target)


@dataclass
class Walk:
    """Compares a plan with recorded operations, from the result to the sources; what lab does not know is left out."""

    planned: Plan
    recorded: list[Any]
    places: dict[int, int] = field(default_factory=dict)
    unknown: int = 0

    def compare(self, mine: int, real: int) -> None:
        if self.places.setdefault(mine, real) != real:
            raise AssertionError(f"one operation for two: {self.recorded[real][1]}")
        vertex, (digest, name, inputs) = self.planned.vertices[mine], self.recorded[real]
        if vertex.unclear:
            self.unknown += 1
            return
        assert vertex.record == (record(digest) if digest else None), name
        found = [(item.selector, item.hashed) for item in vertex.inputs]
        assert found == [(selector, hashed) for _, selector, hashed in inputs], name
        for item, (number, _, _) in zip(vertex.inputs, inputs, strict=True):
            self.compare(item.vertex, number)


@pytest.mark.parametrize("engine", ENGINES)
def test_operations(engine: str) -> None:
    unknown = known = 0
    for case in CASES:
        if case["engine"] != engine:
            continue
        made = planned(case)
        walk = Walk(made, case["vertices"])
        assert made.final is not None
        walk.compare(made.final, len(case["vertices"]) - 1)
        unknown, known = unknown + walk.unknown, known + len(walk.places) - walk.unknown
    assert unknown < known / 50 and known > 200


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_printed(engine: str) -> None:
    """The name of each step: its stage, its number and its text with the variables expanded."""
    seen = 0
    for case in CASES:
        if case["engine"] != engine:
            continue
        names = {name.replace("] LINK ", "] ") for _, name, _ in case["vertices"]}
        texts = {name.partition("] ")[2] if name.startswith("[") else name for name in names}
        for step in planned(case).steps:
            if step.unclear:
                continue
            assert step.printed in texts, case["dockerfile"]
            number = f"{step.number}/"
            start = f"[{step.stage} {number}" if step.stage else f"[{number}" if step.number else step.printed
            seen += any(re.sub(" +", " ", name).startswith(re.sub(" +", " ", start)) for name in names)
    assert seen > 150
