"""What the remedies are made from."""

from __future__ import annotations

from pathlib import Path

from lab.model import CONTROL
from lab.run.vary.axis import Variant, changes
from lab.run.vary.bench import UNCHANGED
from lab.run.vary.remedies.candidate import Missed
from lab.run.vary.remedies.grounds import ground_of
from lab.run.vary.scene import scene_of
from tests.run.vary.standing import TEXT, standing

MODE = Variant("", changes({"mode": {"src/a.txt": "0600"}}))


def test_the_files_of_both_sides_and_the_ignore_file(tmp_path: Path) -> None:
    with standing(tmp_path, more={".dockerignore": "x\n"}) as bench:
        bench.recorder.add(bench.produce(bench.scenario))
        control = bench.build(CONTROL, UNCHANGED, None)
        bench.recorder.add(bench.build("mode", MODE, control))
        missed = [Missed("mode", MODE, "COPY src /src"), Missed("other", UNCHANGED, "RUN one")]
        ground = ground_of(bench, scene_of(bench, {}), None, missed)
    assert (ground.ignored, ground.ignore_place, ground.user_text, ground.tool) == ("x\n", ".dockerignore", TEXT, "")
    assert list(ground.sides) == ["mode"]
    pairs = [(mine.mode, theirs.mode) for mine, theirs in ground.sides["mode"].common]
    assert pairs == [(0o600, 0o644)]


def test_the_files_differ_where_a_run_misses_that_mounts_them_or_follows_a_trigger(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        bench.recorder.add(bench.produce(bench.scenario))
        control = bench.build(CONTROL, UNCHANGED, None)
        bench.recorder.add(bench.build("mode", MODE, control))
        bench.recorder.add(bench.build("same", UNCHANGED, control))
        missed = [Missed("mode", MODE, "RUN one"), Missed("same", UNCHANGED, "RUN one")]
        ground = ground_of(bench, scene_of(bench, {}), None, missed)
    assert list(ground.sides) == ["mode"]
