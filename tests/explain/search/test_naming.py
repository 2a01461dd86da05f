"""Other names of the same objects."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from lab.buildkit.contenthash.entry import Entry, Kind, file
from tests.explain.search.trees import PROJECT, checkout, look, ordered, whole

ACCENTS = [
    *PROJECT,
    Entry("d\xe9p\xf4t", Kind.DIR, 0o755),
    file("d\xe9p\xf4t/\xfcber.txt", b"x\n"),
    replace(file("d\xe9p\xf4t/zwei", b"x\n"), linkname="d\xe9p\xf4t/\xfcber.txt"),
]


def nfd(entries: list[Entry]) -> list[Entry]:
    def renamed(text: str) -> str:
        return unicodedata.normalize("NFD", text)

    return [replace(entry, path=renamed(entry.path), linkname=renamed(entry.linkname)) for entry in entries]


def test_names_in_the_other_normal_form() -> None:
    [name] = whole(look(nfd(ACCENTS), ordered(ACCENTS)))
    assert name == "names in Unicode's form NFD, as an older macOS has them"
    [name] = whole(look(ACCENTS, ordered(nfd(ACCENTS))))
    assert name == "names in Unicode's form NFC, as Linux and Windows have them"


def test_names_and_modes_at_once() -> None:
    theirs = [entry if entry.kind is Kind.SYMLINK else replace(entry, mode=0o777) for entry in nfd(ACCENTS)]
    names = whole(look(theirs, ordered(ACCENTS)))
    assert names == (
        "names in Unicode's form NFD, as an older macOS has them",
        "mode 0777 for everything, as WSL shows a Windows drive",
    )


def test_names_that_differ_in_case_from_the_index() -> None:
    known = replace(checkout(PROJECT), missing=frozenset({"README.md", "src/sub/util.py"}))
    names = {"README.md": "readme.md", "src/sub": "src/Sub", "src/sub/util.py": "src/Sub/util.py"}
    ours = [replace(entry, path=names.get(entry.path, entry.path)) for entry in PROJECT]
    result = look(PROJECT, ordered(ours), known)
    assert whole(result) == ("names as git's index has them",)
    assert result.finding and {item.field for item in result.finding.differences} == {"presence"}
