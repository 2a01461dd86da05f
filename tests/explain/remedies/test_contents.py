"""Remedies for contents: line ends by a line of .gitattributes with the real git, and commands at the producer."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.explain.remedies.contents import ATTRIBUTES, LINE
from lab.explain.remedies.offer import remedies
from lab.explain.remedies.remedy import Place
from lab.explain.search.lines import is_binary, with_crlf
from tests.explain.remedies.contexts import OURS, both, offered, read, refused, run, write
from tests.explain.search.trees import ordered, record
from tests.repositories import Repository

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n"
TRACKED = {entry.path: False for entry in OURS if entry.kind is Kind.FILE}


def crlf(entries: list[Entry]) -> list[Entry]:
    return [
        file(entry.path, with_crlf(entry.content), entry.mode)
        if isinstance(entry.content, bytes) and not is_binary(entry.content)
        else entry
        for entry in entries
    ]


def test_line_ends_of_all_files() -> None:
    found = offered(OURS, crlf(OURS))
    assert found == [
        ("run unix2dos on every file that differs", Place.HERE),
        ("run dos2unix on every file that differs", Place.THERE),
    ]
    assert offered(crlf(OURS), OURS)[0] == ("run dos2unix on every file that differs", Place.HERE)


def test_one_file_is_named(tmp_path: Path) -> None:
    theirs = [crlf([entry])[0] if entry.path == "d/a.txt" else entry for entry in OURS]
    [here, there] = remedies(both(OURS, theirs))
    assert here.text == "unix2dos d/a.txt (here)" and there.text == "dos2unix d/a.txt (at the producer)"
    write(tmp_path, OURS)
    if subprocess.run(["sh", "-c", "command -v unix2dos"], capture_output=True, check=False).returncode == 0:
        assert record(run(here.steps[0], tmp_path)) == record(theirs)
    else:  # what unix2dos does, by a program that is everywhere
        subprocess.run(["sed", "-i", "s/$/\\r/", "d/a.txt"], cwd=tmp_path, check=True)
        assert record(read(tmp_path)) == record(theirs)


@pytest.mark.parametrize("attributes", [None, b"*.bin -text\r\n"])
def test_a_line_of_gitattributes_and_new_checkouts(tmp_path: Path, attributes: bytes | None) -> None:
    """The index has LF, and one side checks out with core.autocrlf=true; then the line is added and committed."""
    origin = Repository(tmp_path / "origin")
    write(origin.folder, OURS)
    if attributes:
        origin.write(ATTRIBUTES, attributes.replace(b"\r\n", b"\n"))
    origin.write(".dockerignore", b".git\n.dockerignore\n")
    origin.commit()
    sides_ = {}
    for name, autocrlf in (("ours", "false"), ("theirs", "true")):
        sides_[name] = read(origin.clone(tmp_path / name, core_autocrlf=autocrlf))
    pair = both(sides_["ours"], sides_["theirs"], tracked=TRACKED)
    assert not pair.alike
    [step] = [remedy.steps[0] for remedy in remedies(pair) if remedy.steps[0].place is Place.BOTH]
    assert LINE.decode().strip() in step.text
    after = pair.after(step)
    old = (origin.folder / ATTRIBUTES).read_bytes() if attributes else b""
    (origin.folder / ATTRIBUTES).write_bytes(LINE + old)
    origin.git("add", "--renormalize", ".")
    origin.commit()
    again = [read(origin.clone(tmp_path / f"again-{value}", core_autocrlf=value)) for value in ("false", "true")]
    assert record(again[0]) == record(again[1]) == record(after.ours) == record(after.theirs)


def test_other_contents_have_no_remedy() -> None:
    theirs = [file(entry.path, b"other\n") if entry.path == "d/a.txt" else entry for entry in OURS]
    pair = both(OURS, theirs, tracked=TRACKED)
    assert remedies(pair) == []
    assert {"unix2dos d/a.txt", "dos2unix d/a.txt"} <= set(refused(pair))
    assert any(LINE.decode().strip() in text for text in refused(pair))


def test_files_of_lfs_are_fetched_at_the_producer() -> None:
    theirs = [file(entry.path, POINTER) if entry.path == "d/sub/data.bin" else entry for entry in OURS]
    assert ("git lfs pull", Place.THERE) in offered(OURS, theirs)
    other = [replace(entry, mode=0o600) for entry in theirs]
    assert "git lfs pull" in refused(both(OURS, other))


def test_links_are_made_again_at_the_producer() -> None:
    ours = ordered([*OURS, Entry("l", Kind.SYMLINK, 0o777, linkname="d/a.txt")])
    theirs = [file("l", b"d/a.txt") if entry.path == "l" else entry for entry in ours]
    assert ("git config core.symlinks true, and a new checkout", Place.THERE) in offered(ours, theirs)
    other = [replace(entry, mode=0o600) if entry.path == "d/b.sh" else entry for entry in theirs]
    assert "git config core.symlinks true, and a new checkout" in refused(both(ours, other))
