"""`lab diff` as a person calls it: any two sides, per COPY or as a whole, its exit codes and its mistakes."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.cli.program import Place
from tests.reporting import RUNS

pytestmark = pytest.mark.slow

DOCKERFILE = "FROM alpine AS one\nCOPY src /src\nFROM alpine\nCOPY --from=one /src /s\nCOPY key .env /\nCOPY .env /e\n"


@pytest.fixture
def two(here: Place) -> Place:
    """Two checkouts of one project: a mode and the line ends of a file differ, and a folder that is ignored."""
    for side in ("left", "right"):
        folder = here.root / side
        (folder / "src").mkdir(parents=True)
        (folder / "Dockerfile").write_text(DOCKERFILE)
        (folder / ".dockerignore").write_text("ignored\n")
        (folder / ".env").write_text("A=1")
        (folder / "key").write_text("k\n")
        (folder / "src" / "m.py").write_bytes(b"x\n" if side == "left" else b"x\r\n")
        (folder / "key").chmod(0o644 if side == "left" else 0o664)
        for path in (folder, folder / "src", folder / "src" / "m.py", folder / ".env"):
            path.chmod(0o755 if path.is_dir() else 0o644)
    (here.root / "left" / "ignored").write_text("only here")
    return here


def test_two_folders_as_a_whole(two: Place) -> None:
    done = two.lab("diff", "left", "right")
    assert (done.returncode, done.stderr) == (4, "")
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("*")]
    assert rows == [["*", "key", "mode", "0644", "0664", "all"], ["*", "src/m.py", "line", "ends", "LF", "CRLF", "all"]]
    assert "ignored" not in done.stdout
    assert "all files together: another digest under every rule set" in done.stdout
    same = two.lab("diff", "left", "left")
    assert (same.returncode, same.stdout) == (0, "nothing differs between left and left\n")


def test_each_copy_of_a_dockerfile(two: Place) -> None:
    done = two.lab("diff", "left", "right", "-f", "left/Dockerfile", "--json")
    assert done.returncode == 4, done.stderr
    document = json.loads(done.stdout)
    assert [item["kind"] for item in document["sides"]] == ["folder", "folder"]
    found = {item["instruction"]: item for item in document["copies"]}
    assert {name: item["sameness"] for name, item in found.items()} == {
        "COPY src /src": "differs",
        "COPY key .env /": "differs",
        "COPY .env /e": "same",
    }
    assert found["COPY src /src"]["stage"] == "one"
    [field] = found["COPY key .env /"]["differences"]
    assert (field["path"], field["field"], field["first"], field["second"]) == ("key", "mode", "0644", "0664")
    assert len(field["rules"]) == 9
    answers = found["COPY .env /e"]["answers"]
    digest = json.loads(two.lab("digest", "--context", "right", ".env", "--json").stdout)["content_digest"]
    assert {answer["first"] for answer in answers if answer["rules"] == "R9"} == {digest}
    assert {answer["second"] for answer in answers if answer["rules"] == "R9"} == {digest}
    text = two.lab("diff", "left", "right", "-f", "left/Dockerfile", COLUMNS="60").stdout
    assert [line for line in text.splitlines() if len(line) > 60 and len(line.split()) > 1] == []
    assert f"    {digest}" in text.splitlines()


def test_one_engine_alone_counts(two: Place) -> None:
    label = two.root / "right" / ".env"
    try:
        os.setxattr(label, "security.selinux", b"u:o:t:s0\0")
    except OSError:
        pytest.skip("this file system or user sets no label")
    (two.root / "Dockerfile").write_text("FROM x\nCOPY .env /\n")
    for engine, code in (("19.03.8", 4), ("29.7.2", 0), ("buildkit-0.13.2", 0), ("buildkit-0.6.4", 4)):
        done = two.lab("diff", "left", "right", "-f", "Dockerfile", "--engine", engine)
        assert done.returncode == code, (engine, done.stdout)


def test_records_of_both_kinds_stand_for_folders(two: Place) -> None:
    script = two.lab("record", "--script").stdout
    made = subprocess.run(
        ["sh", "-s", str(two.root / "right")], input=script, text=True, capture_output=True, check=True
    )
    (two.root / "right.txt").write_text(made.stdout)
    (two.root / "left.json").write_text(two.lab("record", "left").stdout)
    expected = json.loads(two.lab("diff", "left", "right", "-f", "left/Dockerfile", "--json").stdout)
    for words in (("left.json", "right"), ("left.json", "right.txt"), ("left", "right.txt")):
        done = two.lab("diff", *words, "-f", "left/Dockerfile", "--json")
        found = json.loads(done.stdout)
        assert done.returncode == 4
        for one, other in zip(expected["copies"], found["copies"], strict=True):
            assert one["answers"] == other["answers"], words
    piped = two.lab("diff", "-", "left", stdin=(two.root / "left.json").read_bytes())
    assert (piped.returncode, piped.stdout) == (0, "nothing differs between - and left\n")


def test_contexts_of_a_run_against_a_folder(two: Place) -> None:
    run = RUNS / "explained"
    done = two.lab("diff", f"{run}:local", f"{run}:local>local:20.10.24/copy-bust:user-xattr", "--json")
    assert done.returncode == 4
    assert [(row["path"], row["field"]) for row in json.loads(done.stdout)["fields"]] == [("bar", "user.lab")]
    assert two.lab("diff", f"{run}:local", "left").returncode == 4


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("left", "rihgt"), 2, '(did you mean "right"?)'),
        (("left",), 2, "the argument B is missing"),
        (("-", "-"), 2, "cannot read both sides from standard input"),
        (("left", "left/key"), 10, "it holds no records of a side"),
        (("left", "right", "-f", "gone"), 13, "cannot read gone: No such file or directory"),
        (("left", "right", "-f", "left/Dockerfile", "--path", "key"), 2, "cannot use -f with --path"),
        (("left", "right", "--path", "gone"), 2, "cannot find gone in the context of left or right"),
        (("left", "right", "--engine", "1.13"), 2, "cannot determine what engine"),
        (("left", "right", "--run", "sample"), 2, "neither side is the name of a box"),
        (("left", "right", "--variation", "mode"), 2, "neither side is the name of a box"),
        (("sample:nobox", "left"), 2, 'cannot find the box "nobox"'),
    ],
)
def test_mistakes_say_whose_fault_and_what_next(two: Place, words: tuple[str, ...], code: int, said: str) -> None:
    done = two.lab("diff", *words)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr and "hint: " in done.stderr


def test_a_copy_that_is_not_known_is_14(two: Place) -> None:
    (two.root / "Dockerfile").write_text("FROM x\nCOPY gone /\n")
    done = two.lab("diff", "left", "right", "-f", "Dockerfile")
    assert done.returncode == 14
    assert "unknown under every rule set: cannot digest" in done.stdout


def test_the_help_names_every_kind_of_side() -> None:
    from lab.cli.sides import diff

    text = " ".join((diff.help or "").split())
    for kind in ("a folder", "a file of records", "HOST:PATH", "RUN:TRIAL", "BOX of the newest run"):
        assert kind in text
