from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from lab.lessons.bench import Bench
from lab.lessons.evidence import Evidence
from tests.lessons.stand_in import evidence


def seen_by(found: Evidence) -> Path:
    return found.side("folder")


def test_a_check_and_its_stand_in_give_the_same_kind_of_evidence(tmp_path: Path) -> None:
    names = {name for name in vars(Evidence) if not name.startswith("_")}
    given = {*vars(Bench), *(field.name for field in fields(Bench))}
    assert names and names <= given
    assert seen_by(evidence(tmp_path, {"a": "a"})) == tmp_path / "exercise"
