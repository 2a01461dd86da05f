"""`lab record` as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.run.sides.script import SCRIPT
from tests.cli.program import Place


@pytest.fixture
def app(here: Place) -> Path:
    folder = here.root / "app"
    folder.mkdir()
    (folder / "a.txt").write_text("hello")
    (folder / ".env").write_text("TOKEN=1")
    (folder / ".dockerignore").write_text("*.o\n")
    (folder / "a.o").write_text("o")
    return folder


def test_a_folder_is_recorded_without_contents_and_secrets_are_named(here: Place, app: Path) -> None:
    done = here.lab("record", "app")
    assert done.returncode == 0
    data = json.loads(done.stdout)
    assert (data["lab_side"], data["folder"]) == (1, "app")
    assert [row["path"] for row in data["entries"]] == [".dockerignore", ".env", "a.txt"]
    assert [row["path"] for row in data["entries"] if "content_b64" in row] == [".dockerignore"]
    assert "recorded 3 objects of app" in done.stderr
    assert "by their names these may be secrets: .env. Only the sha256" in done.stderr
    with_contents = json.loads(here.lab("record", "app", "--contents").stdout)
    assert [row["path"] for row in with_contents["entries"] if "content_b64" in row] == [".dockerignore", "a.txt"]


def test_the_output_in_the_folder_itself_is_left_out(here: Place, app: Path) -> None:
    for _ in range(2):  # the second time, the file is there before the folder is read
        done = here.lab("record", "--output", "side.json", cwd=app)
        assert (done.returncode, done.stdout) == (0, "")
    assert "left out, because it is the output itself: side.json" in done.stderr
    assert "side.json" not in [row["path"] for row in json.loads((app / "side.json").read_text())["entries"]]


def test_the_ignore_file_beside_the_dockerfile(here: Place, app: Path) -> None:
    (app / "Build").write_text("FROM x\n")
    (app / "Build.dockerignore").write_text("a.txt\n.*\nBuild*\n")
    found = json.loads(here.lab("record", "app", "-f", app / "Build").stdout)
    assert [row["path"] for row in found["entries"]] == ["a.o"]


def test_the_script_is_printed_as_it_is(here: Place) -> None:
    done = here.lab("record", "--script")
    assert (done.returncode, done.stdout, done.stderr) == (0, SCRIPT, "")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("gone",), 13, "cannot read the context gone: it is not a folder"),
        (("gone",), 13, "hint: name the folder that docker build gets\n"),
        (("app/a.txt",), 2, "cannot record app/a.txt: it is a file, not a folder"),
        (("app", "-f", "gone"), 2, "cannot find the Dockerfile gone"),
        (("app", "--script"), 2, "the script takes its folder where it runs"),
        (("app", "--output", "app"), 5, "cannot write"),
        (("app", "--scirpt"), 2, '(did you mean "--script"?)'),
    ],
)
def test_mistakes(here: Place, app: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = here.lab("record", *words)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr
