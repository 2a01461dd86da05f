"""The contents of the producer's files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.buildkit.contenthash.entry import Entry, file
from lab.explain.search.rules.contents import pointer
from tests.explain.search.trees import PROJECT, checkout, look, ordered, whole

BINARY = file("data.bin", bytes(range(256)))


def changed(path: str, content: bytes) -> list[Entry]:
    return [replace(entry, content=content, size=len(content)) if entry.path == path else entry for entry in PROJECT]


def test_crlf_on_all_text_files_and_on_no_binary_file() -> None:
    ours = ordered([*PROJECT, BINARY])
    theirs = [
        replace(entry, content=entry.content.replace(b"\n", b"\r\n"), size=entry.size + entry.content.count(b"\n"))
        if isinstance(entry.content, bytes) and b"\0" not in entry.content
        else entry
        for entry in ours
    ]
    assert whole(look(theirs, ours)) == ("CRLF at the end of every line",)
    assert whole(look(ours, theirs)) == ("LF at the end of every line",)
    assert whole(look(theirs, ours, checkout(ours))) == ("contents as git checks them out with core.autocrlf=true",)


def test_attributes_decide_which_files_get_crlf() -> None:
    known = checkout(PROJECT, {"bin/run": {"text": "set", "eol": "lf"}, "src/app.py": {"text": "unset"}})
    texts = {"README.md": b"# app\r\n\r\ntext\r\n", "src/sub/util.py": b"import os\r\n"}
    theirs = [
        replace(entry, content=texts[entry.path], size=len(texts[entry.path])) if entry.path in texts else entry
        for entry in PROJECT
    ]
    assert whole(look(theirs, ordered(PROJECT), known)) == ("contents as git checks them out with core.autocrlf=true",)


def test_changes_that_are_not_committed_here() -> None:
    """The producer has what git's index has; the file here has other lines."""
    ours = changed("src/app.py", b"print(1)\nprint(3)\n")
    assert whole(look(PROJECT, ordered(ours), checkout(PROJECT))) == (
        "contents as git checks them out with core.autocrlf=false",
    )


def test_a_file_whose_line_ends_are_crlf_by_attribute() -> None:
    ours = changed("README.md", b"# app\r\n\r\ntext\r\n")
    known = checkout(PROJECT, {"README.md": {"eol": "crlf"}})
    theirs = [replace(entry, mode=0o775) if entry.path == "bin/run" else entry for entry in ours]
    result = look(theirs, ordered(ours), known)  # another cause, and the file itself is as git writes it
    assert result.finding and [item.path for item in result.finding.differences] == ["bin/run"]


def test_pointers_of_git_lfs() -> None:
    known = checkout(PROJECT, {"src/logo.png": {"filter": "lfs", "diff": "lfs", "merge": "lfs", "text": "unset"}})
    # https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
    text = (
        b"version https://git-lfs.github.com/spec/v1\n"
        b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
    )
    assert len(pointer(b"")) == len(text) - 4
    theirs = changed("src/logo.png", pointer(b"\x89PNG\r\n\x1a\n\0\0"))
    assert whole(look(theirs, ordered(PROJECT), known)) == ("pointers in place of the files of git LFS",)


@pytest.mark.parametrize("attribute", [{"ident": "set"}, {"working-tree-encoding": "UTF-16"}, {"filter": "x"}])
def test_files_that_a_filter_changes_are_left_as_they_are(attribute: dict[str, str]) -> None:
    ours = changed("src/app.py", b"$Id: 1 $\n")
    known = checkout(PROJECT, {"src/app.py": attribute})
    theirs = [replace(entry, mode=0o775) if entry.path == "bin/run" else entry for entry in ours]
    result = look(theirs, ordered(ours), known)
    assert result.finding and [item.path for item in result.finding.differences] == ["bin/run"]
