"""Which steps a difference makes run, by lab's model."""

from __future__ import annotations

from pathlib import Path

from lab.buildkit.rulebook import Rulebook
from lab.run.own_project.project import OwnProject, read_project
from lab.run.own_project.request import Request
from lab.run.own_project.variations import best_file, differences, model_of
from tests.conftest import ROOT

RULES = Rulebook(ROOT / "boxes").newest
STEPS = ("COPY one /one", "RUN a", "COPY src /src", "RUN b")


def project(folder: Path) -> OwnProject:
    (folder / "src").mkdir()
    for name in ("one", "src/two", "other"):
        (folder / name).write_text(f"{name}\n")
    (folder / "Dockerfile").write_text("\n".join(("FROM alpine", *STEPS)))
    return read_project(Request(folder))


def test_what_each_difference_makes_run(tmp_path: Path) -> None:
    made = project(tmp_path)
    model = model_of(made, made.text, RULES)
    file = best_file(made, model, STEPS)
    assert file is not None and file.path == "one"  # the file of the first COPY
    found = {item.name: model.runs(item.objects, STEPS) for item in differences(made, file)}
    assert found == {
        "mode": [True] * 4,
        "user-xattr": [True] * 4,
        "content": [True] * 4,
        "crlf": [True] * 4,
        "folder-mode": [False, False, True, True],
        "new-file": [False] * 4,  # no COPY takes it
    }


def test_nothing_runs_with_the_same_objects(tmp_path: Path) -> None:
    made = project(tmp_path)
    assert model_of(made, made.text, RULES).runs(made.objects, STEPS) == [False] * 4
