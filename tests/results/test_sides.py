"""The records of a side: what is written, what stays out, and what damaged files are refused for."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file, shown
from lab.buildkit.contenthash.tree import read_trees
from lab.buildkit.context import read_context
from lab.errors import ReadError
from lab.results.sides import SentContext, load_side, side_document
from tests.sides import RULE_SETS, odd_folder


def written(*entries: Entry, contents: bool = False) -> dict[str, Any]:
    return side_document(entries, RULE_SETS, folder="app", contents=contents)


def test_a_folder_written_and_read_back_has_the_same_objects_and_digests(tmp_path: Path) -> None:
    entries = read_context(odd_folder(tmp_path / "context"))
    text = json.dumps(side_document(entries, RULE_SETS, folder="context"))
    found = load_side(text, "side.json", RULE_SETS)
    # names and links that are not UTF-8 are escaped, as in every record of lab's
    assert [shown(entry.path) for entry in found.objects] == [shown(entry.path) for entry in entries]
    for one, other in zip(entries, found.objects, strict=True):
        fields = ("kind", "mode", "size", "linkname", "xattrs", "disk_owner", "devmajor", "devminor")
        assert {name: getattr(one, name) for name in fields} == {name: getattr(other, name) for name in fields}
    trees = read_trees(entries, RULE_SETS)
    for rules in RULE_SETS:
        made = found.tree(rules)
        for entry in entries:
            if not entry.problem:
                assert made.own[entry.path] == trees[rules].own[entry.path], (entry.path, rules.name)


def test_no_content_is_written_unless_asked_for() -> None:
    secret, plain, ignore = file(".env", b"TOKEN=1"), file("a.txt", b"hello"), file(".dockerignore", b"*.o")
    rows = {row["path"]: row for row in written(secret, plain, ignore)["entries"]}
    assert [path for path, row in rows.items() if "content_b64" in row] == [".dockerignore"]
    assert rows["a.txt"]["content_sha256"] == sha256(b"hello").hexdigest()
    rows = {row["path"]: row for row in written(secret, plain, file("big", b"x" * 70_000), contents=True)["entries"]}
    assert [path for path, row in rows.items() if "content_b64" in row] == ["a.txt"]
    assert rows[".env"]["content_sha256"] == sha256(b"TOKEN=1").hexdigest()


def test_no_secret_is_written_under_another_name() -> None:
    token = b"TOKEN=4f1b"
    entries = (
        file(".dockerignore", b"*.o"),
        file(".git/objects/ab/cd", b"packed"),
        file("a.txt", b"hello"),
        file("copy.txt", token),
        file("first.txt", b"PASSWORD=8c2e"),
        Entry("password.txt", Kind.FILE, 0o644, linkname="first.txt"),
        file("z.env", token),
    )
    rows = {row["path"]: row for row in written(*entries, contents=True)["entries"]}
    assert [path for path, row in rows.items() if "content_b64" in row] == [".dockerignore", "a.txt"]
    assert rows["copy.txt"]["content_sha256"] == rows["z.env"]["content_sha256"] == sha256(token).hexdigest()


def test_a_file_that_cannot_be_read_has_its_reason_and_no_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    entries = read_context(tmp_path)
    (tmp_path / "a").unlink()
    document = side_document(entries, RULE_SETS, folder="x")
    assert document["digests"] == {}
    [entry] = load_side(json.dumps(document), "x", RULE_SETS).objects
    assert entry.problem == "cannot read a: No such file or directory"


def test_a_hard_link_and_a_socket_keep_their_form() -> None:
    entries = (file("a", b"1"), Entry("b", Kind.FILE, 0o644, linkname="a", size=1), Entry("s", Kind.FILE, content=b""))
    found = load_side(json.dumps(written(*entries)), "x", RULE_SETS)
    assert [(entry.path, entry.linkname, entry.is_hardlink) for entry in found.objects] == [
        ("a", "", False),
        ("b", "a", True),
        ("s", "", False),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.pop("lab_side"), "it holds no records of a side"),
        (lambda data: data.update(lab_side=2), "its form is 2, and this version of lab reads 1"),
        (lambda data: data["entries"].append(data["entries"][0]), "a.txt occurs twice"),
        (lambda data: data["entries"][0].update(path="../a"), "is not a path inside a context"),
        (lambda data: data["entries"][0].update(mode_octal="9"), "mode_octal"),
        (lambda data: data["digests"].update({"a.txt": {"all": "sha256:0"}}), "the digests of a.txt are malformed"),
        (lambda data: data["digests"].update({"a.txt": []}), "the digests of a.txt are malformed"),
        (lambda data: data.pop("entries"), "entries"),
    ],
)
def test_a_damaged_file_is_refused(change, said: str) -> None:  # type: ignore[no-untyped-def]
    data = written(file("a.txt", b"hello"))
    change(data)
    with pytest.raises(ReadError, match=r"cannot read side\.json: ") as caught:
        load_side(json.dumps(data), "side.json", RULE_SETS)
    assert said in caught.value.message


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"a": 1}', "[" * 100_000])
def test_what_is_no_file_of_records_is_refused(text: str) -> None:
    with pytest.raises(ReadError, match="it holds no records of a side") as caught:
        load_side(text, "x", RULE_SETS)
    assert caught.value.hint and "lab record" in caught.value.hint


@pytest.mark.parametrize(("uid", "gid"), [(1000, 0), (0, 1000), (1000, 1000)])
def test_either_half_of_an_owner_makes_the_rules_for_owners_differ(uid: int, gid: int) -> None:
    owned = SentContext((replace(file("bar", b"x"), uid=uid, gid=gid),), {})
    plain = SentContext((file("bar", b"x"),), {})
    assert len({owned.hashed_by(rules) for rules in RULE_SETS}) == 2
    assert len({plain.hashed_by(rules) for rules in RULE_SETS}) == 1
