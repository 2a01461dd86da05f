"""`lab digest` as a user calls it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lab.cli.digest import digest
from tests.cli.program import Place, data
from tests.conftest import ROOT
from tests.vectors import VECTORS

VECTORS_FILE = "tests/data/contenthash/vectors.json"
BAR = "sha256:dd1be0c9a4c88acacb8c2f43dc2a34718290bbbf9eda6375224f0712039cbdfe"  # vector file-plain-0644
[COPY_BAR] = (vector for vector in VECTORS["copy_vectors"] if vector["instruction"] == "COPY bar /bar")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "bar").write_bytes(b"bar\n")
    (folder / "bar").chmod(0o644)
    return folder


def test_a_file(here: Place, context: Path) -> None:
    said = here.lab("digest", "--context", str(context), "bar")
    expected = COPY_BAR["expected"]["R9"]
    assert said.stdout.splitlines() == [
        f"{BAR}  bar",
        f"{expected['content_digest']}  content digest of COPY bar under R9",
        f"{expected['content_record']}  its record in an inline cache",
    ]


def test_json_of_a_context(here: Place, context: Path) -> None:
    os.setxattr(context / "bar", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
    [vector] = (v for v in VECTORS["vectors"] if v["id"] == "file-xattr-security.capability")
    said = data(here.lab("digest", "--engine", "19.03.8", "--json", "--context", str(context), "bar"))
    digest = vector["expected"]["R1"]["queries"][0]
    assert (said["schema"], said["rules"], said["queries"]) == (1, "R1", [digest])
    assert said["entries"] == {"bar": digest} and said["sources"] == ["bar"]
    assert said["content_digest"] != COPY_BAR["expected"]["R1"]["content_digest"]


def test_the_ignore_file_of_a_dockerfile_elsewhere(here: Place, context: Path) -> None:
    (context / "more").write_bytes(b"x")
    service = context / "services" / "x"
    service.mkdir(parents=True)
    (service / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (service / "Dockerfile.dockerignore").write_text("*\n!bar\n")
    said = data(here.lab("digest", "--json", "--context", context, "-f", service / "Dockerfile", "."))
    assert list(said["entries"]) == ["bar"]
    assert "more" in data(here.lab("digest", "--json", "--context", context, "."))["entries"]
    for words, why in (
        (("-f", service / "gone", "."), "cannot find the Dockerfile"),
        (("-f", ".", "."), "cannot find the Dockerfile"),
        (("-f", service / "Dockerfile", "--records", "-"), "cannot use -f with --records"),
    ):
        done = here.lab("digest", "--context", context, *words)
        assert (done.returncode, why in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("rules", ["R1", "R3", "R6", "R9"])
@pytest.mark.parametrize("name", ["wild-two", "socket", "exclude-patterns", "dir-unicode-names"])
def test_records(here: Place, tmp_path: Path, name: str, rules: str) -> None:
    [vector] = (v for v in VECTORS["vectors"] if v["id"] == name)
    path = tmp_path / "records.json"
    path.write_text(json.dumps(vector), encoding="utf-8")
    said = data(here.lab("digest", "--records", str(path), "--rules", rules))
    assert said == {"schema": 1, "rules": rules, **vector["expected"][rules]}


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["id"])
def test_every_vector_under_every_rule_set_from_standard_input(vector: dict[str, Any]) -> None:
    for rules, expected in vector["expected"].items():
        done = CliRunner().invoke(digest, ["--records", "-", "--rules", rules], input=json.dumps(vector).encode())
        assert (done.exit_code, json.loads(done.output)) == (0, {"schema": 1, "rules": rules, **expected}), rules


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "cannot read standard input: it is not JSON"),
        (b"\xff\xfe", "cannot read standard input: it is not JSON"),
        (b"[" * 100_000, "cannot read standard input: it is not JSON"),
        (b"[]", "it contains no records"),
        (b'{"entries": {}}', "entries"),
        (b'{"entries": [{"path": "../x", "type": "file", "mode_octal": "644"}]}', "is not a path inside a context"),
        (b'{"entries": [{"path": "x", "type": "file", "mode_octal": "999"}]}', "entries.0.mode_octal"),
        (b'{"entries": [{"path": "x", "type": "file", "mode_octal": "644", "content_b64": "%"}]}', "not base64"),
        (b'{"entries": [], "queries": [{"path": 7}]}', "queries.0.path"),
    ],
)
def test_malformed_records_are_refused_with_their_exit_code(here: Place, tmp_path: Path, text: bytes, why: str) -> None:
    path = tmp_path / "records.json"
    path.write_bytes(text)
    said = here.lab("digest", "--records", str(path))
    assert (said.returncode, said.stdout) == (10, "")
    assert why.replace("standard input", str(path)) in said.stderr


def test_paths_of_records_come_back_as_they_were_given() -> None:
    entry = {"path": "a\tb\n\u202e", "type": "file", "mode_octal": "644", "content_b64": ""}
    done = CliRunner().invoke(digest, ["--records", "-"], input=json.dumps({"entries": [entry]}).encode())
    assert list(json.loads(done.output)["entries"]) == ["a\tb\n\u202e"]


def test_one_object_twice_is_refused(here: Place, tmp_path: Path) -> None:
    entry = {"path": "a", "type": "file", "mode_octal": "644", "content_b64": ""}
    (tmp_path / "r.json").write_text(json.dumps({"entries": [entry, entry]}))
    said = here.lab("digest", "--records", str(tmp_path / "r.json"))
    assert (said.returncode, "a occurs twice" in said.stderr) == (10, True)


def test_records_under_an_engine_of_a_mixture(here: Place, tmp_path: Path) -> None:
    [vector] = (v for v in VECTORS["vectors"] if v["id"] == "file-xattr-security.selinux")
    path = tmp_path / "records.json"
    path.write_text(json.dumps(vector), encoding="utf-8")
    said = data(here.lab("digest", "--records", str(path), "--engine", "20.10.24-unfixed"))
    assert said["rules"] == "R5+xattrs=all" and said["queries"] == vector["expected"]["R1"]["queries"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["none"], 13, "cannot digest none: no such path in the context"),
        (["--engine", "99.1.0", "bar"], 2, 'cannot determine what engine "99.1.0" hashes'),
        (["--rules", "R0", "bar"], 2, 'cannot find the rule set "R0"'),
        (["--rules", "R1", "--engine", "19.03.8", "bar"], 2, "cannot use both --engine and --rules"),
        ([], 2, "cannot digest: give either SOURCE.. or --records FILE"),
        (["--records", "/dev/null"], 10, "cannot read /dev/null: it is not JSON"),
        (["--records", "/dev"], 10, "cannot read /dev: Is a directory"),
        (["--records", "none.json"], 10, "cannot read none.json: No such file or directory"),
        (["--records", VECTORS_FILE], 10, f"cannot read {VECTORS_FILE}: entries is missing"),
        (["--records", "/dev/null", "bar"], 2, "cannot digest: give either SOURCE.. or --records FILE"),
        (["[bar"], 13, 'cannot use the pattern "/[bar": it is malformed'),
    ],
)
def test_what_goes_wrong(here: Place, context: Path, words: list[str], code: int, message: str) -> None:
    said = here.lab("digest", "--context", context, *words, cwd=ROOT)
    assert (said.returncode, said.stdout) == (code, "") and f"lab: {message}" in said.stderr


def test_a_context_that_is_none(here: Place, context: Path) -> None:
    said = here.lab("digest", "--context", str(context / "bar"), "x")
    assert said.returncode == 13 and "it is not a folder" in said.stderr


def test_names_that_no_terminal_shows(here: Place, context: Path) -> None:
    Path(os.fsdecode(os.fsencode(context) + b"/\xff")).write_text("x")
    said = here.lab("digest", "--context", str(context), ".")
    assert said.returncode == 13 and r"cannot digest \xff: its name is not UTF-8" in said.stderr
