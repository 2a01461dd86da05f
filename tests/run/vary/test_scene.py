"""What the axes look at, read from the producer's build."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import CommandError
from lab.run.vary.scene import scene_of
from tests.run.vary.standing import standing


def test_the_files_of_the_box_and_the_dockerfile(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        bench.recorder.add(bench.produce(bench.scenario))
        scene = scene_of(bench, {})
    assert [entry.path for entry in scene.taken] == ["src", "src/a.txt"]
    assert (scene.base, scene.ignore, scene.platform) == ("base:1", ".dockerignore", ("linux", "amd64"))


def test_the_ignore_file_beside_the_dockerfile_is_the_one_that_counts(tmp_path: Path) -> None:
    with standing(tmp_path, more={"Dockerfile.dockerignore": "x\n"}) as bench:
        bench.recorder.add(bench.produce(bench.scenario))
        assert scene_of(bench, {}).ignore == "Dockerfile.dockerignore"


def test_files_that_could_not_be_listed_are_an_error(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        bench.recorder.add(bench.produce(bench.scenario).model_copy(update={"context": None}))
        with pytest.raises(CommandError, match="its files were not recorded"):
            scene_of(bench, {})
