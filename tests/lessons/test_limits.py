"""A lesson of a stranger is data: what would act outside its folder and engine is refused by name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.errors import ConfigError
from lab.lessons.library import lessons, read_lesson
from lab.lessons.limits import check_lesson, problems_of
from tests.lessons.stand_in import LIBRARY, SCENARIOS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LIBRARY / "01-layer-key", tmp_path / "01-layer-key"))


@pytest.mark.parametrize("name", [lesson.name for lesson in lessons(LIBRARY)])
def test_every_lesson_of_the_library_is_good(name: str) -> None:
    assert problems_of(read_lesson(LIBRARY / name), SCENARIOS) == []


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


COMMENT = '- append: {Dockerfile: "# a comment"}'
STATE = '- {name: typing-error, changes: [{replace: {Dockerfile: {from: "FROM", to: "FORM"}}}]'
VARIATION = "summary: a comment in the Dockerfile\n    default: true\n    changes:\n      " + COMMENT


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("scenario/scenario.yaml", COMMENT, "- commands: {run: [[touch, /tmp/x]]}", "of the kind commands"),
        ("scenario/scenario.yaml", COMMENT, '- flag: ["--secret=id=a,src=/etc/shadow"]', "of the kind flag"),
        ("scenario/scenario.yaml", VARIATION, "summary: a\n    commands: [[touch, /tmp/x]]", "has commands"),
        (
            "scenario/scenario.yaml",
            "variations:",
            "sequence:\n  - build: {side: producer, flags: [--output=/tmp/x]}\n  - build: {}\nvariations:",
            "flags of a build",
        ),
        (
            "scenario/scenario.yaml",
            "variations:",
            "sequence:\n  - build: {side: producer}\n  - restart: {}\n  - build: {}\nvariations:",
            "a step of the kind restart",
        ),
        ("lesson.yaml", STATE, STATE.replace("replace: {Dockerfile: {from: \"FROM\", to: \"FORM\"}}",
         "commands: {run: [[touch, /tmp/x]]}"), "of the kind commands"),
        ("lesson.yaml", "variation: first-run, step: 1", "variation: other, step: 1", "which its run does not make"),
        ("lesson.yaml", "variation: first-run, step: 1", "variation: first-run, step: 9", "there are 3 steps"),
        ("lesson.yaml", "[none, comment,", "[none, coment,", "did you mean"),
        ("lesson.yaml", "files: wrong/comment", "files: wrong/none", "which is missing"),
        ("lesson.yaml", "fails: last-run-runs, found: hit", "fails: last-run-runs, found: ran", "no wrong state shows"),
    ],
)  # fmt: skip
def test_what_would_act_outside_is_refused(folder: Path, file: str, old: str, new: str, why: str) -> None:
    replace(folder / file, old, new)
    with pytest.raises(ConfigError, match=why):
        check_lesson(read_lesson(folder), SCENARIOS)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def large(path: Path) -> None:
    path.write_bytes(b"x" * ((1 << 20) + 1))


def setuid(path: Path) -> None:
    path.write_bytes(b"x")
    path.chmod(0o4755)


def many(path: Path) -> None:
    path.mkdir()
    for number in range(301):
        (path / str(number)).touch()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (fifo, "neither a file nor a folder"),
        (large, "larger than 1 MiB"),
        (setuid, "setuid"),
        (many, "more than 300"),
        (lambda path: path.symlink_to("/etc/passwd"), "leads out of its folder"),
        (lambda path: path.symlink_to("../lesson.yaml"), "leads out of its folder"),
    ],
)
def test_a_file_that_is_no_plain_data_is_refused(make: Callable[[Path], object], why: str, folder: Path) -> None:
    make(folder / "start" / "odd")
    assert any(why in problem for problem in problems_of(read_lesson(folder), SCENARIOS))


def test_a_link_inside_the_start_is_data(folder: Path) -> None:
    (folder / "start" / "link").symlink_to("app.txt")
    assert problems_of(read_lesson(folder), SCENARIOS) == []
