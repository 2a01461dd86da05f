"""What boxes cannot do is refused before anything is started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.errors import UsageError
from lab.machines.ready import Ready
from lab.run.requirements import check_clock, check_reach, check_versions
from lab.run.steps.table import USUAL, NamedStep
from lab.run.steps.wait import Wait
from tests.run.test_experiment import BOXES, ready, scenario


def test_a_cache_in_a_folder_needs_one_box() -> None:
    boxes = [ready(BOXES.box("local")), ready(BOXES.box("debian12-selinux"))]
    check_reach(boxes, ("registry-max",))
    check_reach(boxes[:1], ("local",))
    with pytest.raises(UsageError, match="cannot use the cache local with 2 boxes"):
        check_reach(boxes, ("local",))


def test_an_engine_that_cannot_build_the_scenario_is_refused(tmp_path: Path) -> None:
    known = scenario(tmp_path, "alpine")
    newer = replace(known, file=known.file.model_copy(update={"needs": ">=23.0"}))
    box = BOXES.box("local")
    old, new = (
        Ready(LocalBox(box.name), box, (Engine("e", ("true",), version, version, "c"),))
        for version in ("20.10.24+dfsg1", "26.1.5+dfsg1")
    )
    check_versions(known, [old, new])
    check_versions(newer, [new])
    with pytest.raises(UsageError, match=r"Docker 20\.10\.24\+dfsg1: it needs Docker >=23\.0"):
        check_versions(newer, [new, old])


def test_only_a_machine_that_lab_made_has_its_clock_moved(tmp_path: Path) -> None:
    known = scenario(tmp_path, "alpine")
    moving = replace(known, sequence=(*USUAL[:-1], NamedStep(wait=Wait(days=3)), USUAL[-1]))
    assert moving.moves_clock and not known.moves_clock
    here, made = ready(BOXES.box("local")), ready(BOXES.box("debian12-selinux"))
    check_clock(known, [here, made])
    check_clock(moving, [made])
    with pytest.raises(UsageError, match="on local: a step moves the clock, which all programs of a machine share"):
        check_clock(moving, [made, here])
