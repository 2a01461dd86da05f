"""`lab why --against`: the files of two sides, for one engine; no cache is read."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from lab.buildkit.rulebook import Rulebook
from tests.cli.program import Place
from tests.conftest import ROOT

DOCKERFILE = "FROM alpine AS one\nCOPY src /src\nFROM alpine\nCOPY --from=one /src /s\nCOPY key /\n"


@pytest.fixture
def two(here: Place) -> Place:
    for side in ("here", "there"):
        folder = here.root / side
        (folder / "src").mkdir(parents=True)
        (folder / "Dockerfile").write_text(DOCKERFILE)
        (folder / "key").write_text("k\n")
        (folder / "src" / "m.py").write_text("x\n")
        (folder / "key").chmod(0o644 if side == "here" else 0o664)
        for path in (folder, folder / "src", folder / "src" / "m.py"):
            path.chmod(0o755 if path.is_dir() else 0o644)
    return here


def test_the_field_that_differs_is_named_with_what_to_do(two: Place) -> None:
    done = two.lab("why", "here", "--against", "there", "--engine", "20.10.24", COLUMNS="60")
    assert (done.returncode, done.stderr) == (4, "")
    text = " ".join(done.stdout.split())
    assert "each COPY and mount with the files of there and of here, for Docker 20.10.24, which hashes by R5" in text
    assert "[one] COPY src /src same digest under every rule set" in text
    assert "* key mode 0664 0644 all" in text
    assert "https://github.com/moby/buildkit/issues/3821" in text
    assert [line for line in done.stdout.splitlines() if len(line) > 60 and len(line.split()) > 1] == []


def test_files_that_are_the_same_are_not_the_reason(two: Place) -> None:
    (two.root / "there" / "key").chmod(0o644)
    done = two.lab("why", "here", "--against", "there")
    assert done.returncode == 0
    assert "Every COPY and mount takes the same files on both sides." in done.stdout
    assert f"{Rulebook(ROOT / 'boxes').newest_engine.title} (the newest known; --engine names yours)" in " ".join(
        done.stdout.split()
    )


def test_records_take_the_place_of_the_other_checkout(two: Place) -> None:
    (two.root / "side.json").write_text(two.lab("record", "there").stdout)
    one, other = (two.lab("why", "here", "--against", side, "--json") for side in ("there", "side.json"))
    assert (one.returncode, other.returncode) == (4, 4)
    assert json.loads(one.stdout)["copies"] == json.loads(other.stdout)["copies"]
    against, why = (json.loads(two.lab("schema", name).stdout) for name in ("why-against", "why"))
    jsonschema.validate(json.loads(one.stdout), against, jsonschema.Draft202012Validator)
    assert not jsonschema.Draft202012Validator(why).is_valid(json.loads(one.stdout))
    found = {item["instruction"]: item["sameness"] for item in json.loads(one.stdout)["copies"]}
    assert found == {"COPY src /src": "same", "COPY key /": "differs"}


def test_a_target_and_build_arguments_are_obeyed(two: Place) -> None:
    assert two.lab("why", "here", "--against", "there", "--target", "one").returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--against", "there", "--cache-from", "x"), 2, "cannot use --against with --cache-from"),
        (("--against", "there", "--markdown"), 2, "cannot use --against with --markdown or --github"),
        (("--against", "theer"), 2, '(did you mean "there"?)'),
        (("--against", "there", "--engine", "1.1"), 2, "cannot determine what engine"),
        (("--against", "there", "--target", "two"), 2, 'cannot find the stage "two"'),
        (("--against", "there", "-f", "gone"), 13, "cannot read gone"),
        ((), 2, "the option --cache-from is missing"),
    ],
)
def test_mistakes(two: Place, words: tuple[str, ...], code: int, said: str) -> None:
    done = two.lab("why", "here", *words)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr


def test_a_folder_that_is_no_folder(two: Place) -> None:
    done = two.lab("why", Path("gone"), "--against", "there")
    assert (done.returncode, done.stdout) == (13, "")


@pytest.mark.parametrize("verb", ["why", "diff"])
def test_a_dockerfile_with_a_rejected_line_is_not_compared(two: Place, verb: str) -> None:
    file = two.root / "here" / "Dockerfile"
    file.write_text(DOCKERFILE.replace("COPY key /", "COPYY key /"))
    words = ("here", "--against", "there") if verb == "why" else ("here", "there", "-f", "here/Dockerfile")
    done = two.lab(verb, *words)
    assert (done.returncode, done.stdout) == (10, "")
    assert "here/Dockerfile: line 5, column 1: unknown instruction: COPYY" in done.stderr
