"""The page of a real BuildKit 0.25.2, and texts that do not match."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from lab.buildkit.hashed import Hashed, differences, lines_of, nearest, read
from lab.errors import ReadError
from tests.conftest import ROOT

PAGE = (ROOT / "tests" / "data" / "hashed" / "page.json").read_bytes()


def test_a_real_page_holds_the_text_behind_each_digest() -> None:
    texts = read(PAGE)
    assert {text.kind for text in texts.values()} == {
        "json",
        "string",
        "file",
        "file-list",
        "digest-list",
        "string-list",
    }
    whole = [text for text in texts.values() if not text.skipped]
    assert len(whole) > 20
    for text in whole:
        assert text.digest == f"sha256:{hashlib.sha256(text.data).hexdigest()}"
    assert {text.skipped for text in texts.values() if text.kind == "file"} >= {0, 2, 4}  # a, bar


def test_the_header_of_a_file_is_one_line_for_each_field() -> None:
    header = b"namemode33204uid0gid0size4typeflag0linknameunamegnamedevmajor0devminor0user.x1"
    assert lines_of("file", header) == [
        *("name", "mode33204", "uid0", "gid0", "size4", "typeflag0", "linkname", "uname", "gname"),
        *("devmajor0", "devminor0", "user.x1"),
    ]
    assert lines_of("file", header.replace(b"linkname", b"linkname../uname/a"))[6] == "linkname../uname/a"


def test_an_action_is_shown_as_its_fields() -> None:
    action = base64.b64encode(b'{"src":"a","dest":"/b","mode":-1}').decode()
    text = json.dumps({"Type": "buildkit.file.v0", "Actions": [action]}).encode()
    assert lines_of("json", text) == [
        'Type: "buildkit.file.v0"',
        'Actions[0].src: "a"',
        'Actions[0].dest: "/b"',
        "Actions[0].mode: -1",
    ]
    assert lines_of("json", b"{") == ["{"]
    assert lines_of("json", b'{"Actions": ["no base64"]}') == ['Actions[0]: "no base64"']


def test_a_list_is_one_line_for_each_element() -> None:
    assert lines_of("file-list", b"\0a\nb\0\xff") == ["", "a\\nb", "\\xff"]


def test_the_nearest_text_is_of_the_same_kind_and_shares_most() -> None:
    texts = [
        Hashed("sha256:1", "json", b'{"a": 1, "b": 2, "c": 3}'),
        Hashed("sha256:2", "json", b'{"a": 1, "b": 9, "c": 9}'),
        Hashed("sha256:3", "string", b'{"a": 1, "b": 2, "c": 4}'),
    ]
    ours = lines_of("json", b'{"a": 1, "b": 2, "c": 4}')
    near = nearest(texts, "json", ours)
    assert near is texts[0]
    assert differences(ours, lines_of(near.kind, near.data)) == (["c: 4"], ["c: 3"])
    assert nearest(texts, "file", ours) is None


@pytest.mark.parametrize("page", [b"", b"<html>", b"[1]", b'[{"digest": "x"}]', b'{"a": 1}', b"[" * 100_000])
def test_another_page_is_refused(page: bytes) -> None:
    with pytest.raises(ReadError, match="cannot read BuildKit's page of hashed texts"):
        read(page)


def test_a_page_without_texts_is_empty() -> None:
    assert read(b"null") == {}
