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
        ("lesson.yaml", STATE, STATE.replace("[{replace", "[{checkout: {}}, {replace"), "of the kind checkout"),
        ("lesson.yaml", STATE, STATE.replace("[{replace", "[{link: {out: /etc/cron.d}}, {replace"), "leads out"),
        ("lesson.yaml", STATE, STATE.replace("[{replace", "[{link: {a/out: ../../x}}, {replace"), "leads out"),
        ("lesson.yaml", STATE, STATE.replace("[{replace", "[{link: {out: a/l/../x}}, {replace"), "after it has gone"),
        ("lesson.yaml", STATE, STATE.replace("[{replace", "[{text: {a/.git/config: x}}, {replace"), "of git's own"),
        ("lesson.yaml", STATE, STATE.replace("[{replace", "[{rename: {app.txt: HEAD}}, {replace"), "of git's own"),
        ("lesson.yaml", STATE, STATE.replace("changes:", "builds: [{log: docker}], changes:"), r"ends in \.log"),
        ("scenario/scenario.yaml", COMMENT, "- link: {out: /etc}", "leads out"),
        ("scenario/scenario.yaml", COMMENT, "- link: {out: '{{ \"/\" }}etc'}", "leads out"),
        ("scenario/scenario.yaml", COMMENT, "- text: {'.{{ \"git\" }}/config': x}", "of git's own"),
        (
            "scenario/scenario.yaml",
            "variations:",
            "prepare:\n  - link: {out: '{{ \"..\" }}'}\nvariations:",
            "leads out",
        ),
        (
            "scenario/scenario.yaml",
            "variations:",
            "sequence:\n  - build: {side: producer}\n  - change: {make: [{link: {out: '{{ \"..\" }}'}}]}\n"
            "  - build: {}\nvariations:",
            "leads out",
        ),
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


def chain(path: Path, end: str) -> None:
    """A link that leads to the top of its part, and one through it: their texts alone stay inside."""
    (path.parent / "a/b/c").mkdir(parents=True)
    (path.parent / "a/b/c/top").symlink_to("../../..")
    path.symlink_to(f"a/b/c/top/{end}")


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
        (lambda path: chain(path, "../../private"), "leads out of its folder"),
        (lambda path: path.symlink_to("app.txt/../app.txt"), "after it has gone down"),
        (lambda path: path.with_name(".git").mkdir(), "of git's own files"),
        (lambda path: path.with_name("HEAD").write_text("ref: refs/heads/main\n"), "of git's own files"),
    ],
)
def test_a_file_that_is_no_plain_data_is_refused(make: Callable[[Path], object], why: str, folder: Path) -> None:
    make(folder / "start" / "odd")
    assert any(why in problem for problem in problems_of(read_lesson(folder), SCENARIOS))


def test_a_link_inside_the_start_is_data(folder: Path) -> None:
    (folder / "start" / "link").symlink_to("app.txt")
    assert problems_of(read_lesson(folder), SCENARIOS) == []


def test_a_scenario_of_a_lesson_has_no_link(folder: Path) -> None:
    private = folder.parent / "private"
    private.mkdir()
    (private / "key").write_text("secret", encoding="utf-8")
    shutil.rmtree(folder / "scenario" / "context")
    chain(folder / "scenario" / "context", "../../private")
    assert (folder / "scenario" / "context" / "key").read_text(encoding="utf-8") == "secret"
    assert "scenario/context is a link, and a scenario holds files only" in problems_of(read_lesson(folder), SCENARIOS)


def test_a_link_of_a_wrong_state_stays_in_that_state(folder: Path) -> None:
    """`files` is laid over the exercise: what is beside it in the lesson is then elsewhere."""
    (folder / "wrong" / "comment" / "link").symlink_to("../other/app.txt")
    assert any("leads out of its folder" in problem for problem in problems_of(read_lesson(folder), SCENARIOS))


def test_the_files_of_a_state_are_where_their_name_says(folder: Path) -> None:
    (folder / "wrong" / "comment").rename(folder / "wrong" / "real")
    (folder / "wrong" / "comment").symlink_to("real")
    found = problems_of(read_lesson(folder), SCENARIOS)
    assert any("the link wrong/comment leads out" in problem for problem in found)
    (folder / "wrong" / "comment").unlink()
    (folder / "wrong" / "real").rename(folder / "wrong" / "comment")
    (folder / "start" / "to").mkdir()
    (folder / "start" / "to" / "deep").mkdir()
    (folder / "start" / "through").symlink_to("to")
    replace(folder / "lesson.yaml", "files: wrong/comment", "files: start/through/deep")
    found = problems_of(read_lesson(folder), SCENARIOS)
    assert any("start/through/deep, to which a link leads" in problem for problem in found)
