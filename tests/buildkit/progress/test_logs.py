"""Logs as people paste them, each against what a correct reader makes of it (tests/data/logs)."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from lab.buildkit.progress.build import Build
from lab.buildkit.progress.reader import Reader
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "logs"
NAMES = sorted(path.name for path in DATA.iterdir() if path.is_dir())
EXPECTED: dict[str, dict[str, Any]] = {
    name: yaml.safe_load((DATA / name / "expected.yaml").read_text(encoding="utf-8")) for name in NAMES
}
KEYS = {
    "builder",
    "frame",
    "context",
    "dockerfile",
    "imports",
    "images",
    "pulled",
    "reasons",
    "warnings",
    "lines",
    "steps",
}
OK = {True: "read", False: "failed", None: "unknown"}


def read(name: str) -> Reader:
    reader = Reader()
    reader.feed((DATA / name / "input.txt").read_bytes())
    reader.flush()
    return reader


def check(build: Build, wanted: dict[str, Any]) -> None:
    assert set(wanted) <= KEYS
    steps = [
        [list(step.targets), step.stage, step.place, step.instruction, step.outcome.value, step.seconds]
        for step in build.steps
    ]
    # An expected instruction is the beginning of the real one.
    for step, expected in zip(steps, wanted["steps"], strict=True):
        assert isinstance(step[3], str) and step[3].startswith(expected[3])
        assert [*step[:3], *step[4:]] == [*expected[:3], *expected[4:]]
    assert build.builder == wanted["builder"]
    assert (build.context_bytes, build.dockerfile_bytes) == (wanted.get("context"), wanted.get("dockerfile"))
    assert [[item.target, item.ref, OK[item.ok]] for item in build.imports] == wanted.get("imports", [])
    images = wanted.get("images", [])
    assert [[image.target, image.digest] for image in build.images] == images
    assert build.image == (images[0][1] if images else None)
    pulled = [step.place for step in build.steps if step.pulled and step.outcome.value == "hit"]
    assert pulled == wanted.get("pulled", [])
    assert len(build.warnings) == len(wanted.get("warnings", []))
    for warning, words in zip(build.warnings, wanted.get("warnings", []), strict=True):
        assert words in warning
    if "lines" in wanted:
        assert build.lines == tuple(wanted["lines"])
        assert all(warning.startswith("lines {} to {}: ".format(*wanted["lines"])) for warning in build.warnings)
    if "frame" in wanted:
        assert build.frame == wanted["frame"]
    reasons = {step.place: step.reason for step in build.steps if step.outcome.value == "unknown"}
    assert all(reasons.values())  # no step is unknown without a reason
    for place, words in wanted.get("reasons", {}).items():
        assert words in (reasons[place] or "")


@pytest.mark.parametrize("name", NAMES)
def test_a_log_reads_as_was_decided(name: str) -> None:
    wanted, reader = EXPECTED[name], read(name)
    if refused := wanted.get("refused"):
        assert not any(build.steps for build in reader.builds)
        assert reader.refusal is not None
        assert refused["says"] in reader.refusal[0]
        assert refused["hint"] in reader.refusal[1]
        return
    assert len(reader.builds) == len(wanted["builds"])
    for build, expected in zip(reader.builds, wanted["builds"], strict=True):
        check(build, expected)
    assert reader.refusal is None


def test_every_log_has_its_expectation() -> None:
    assert len(NAMES) >= 58
    assert all(
        sorted(path.name for path in (DATA / name).iterdir()) == ["expected.yaml", "input.txt"] for name in NAMES
    )
