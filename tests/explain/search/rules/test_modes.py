"""The modes of the producer's objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from tests.explain.search.trees import PROJECT, checkout, look, ordered, whole


def modes(file: int, executable: int, folder: int, link: int = 0o777) -> Callable[[Entry], int]:
    def mode(entry: Entry) -> int:
        plain = executable if entry.mode & 0o100 else file
        return {Kind.DIR: folder, Kind.SYMLINK: link}.get(entry.kind, plain)

    return mode


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        (modes(0o664, 0o775, 0o775), "modes with umask 0002"),
        (modes(0o600, 0o700, 0o700), "modes with umask 0077"),
        (modes(0o640, 0o750, 0o750), "modes with umask 0027"),
        (modes(0o666, 0o777, 0o777), "modes with umask 0000"),
        (modes(0o664, 0o775, 0o2775), "modes with umask 0002 and setgid on all folders"),
        (modes(0o777, 0o777, 0o777), "mode 0777 for everything, as WSL shows a Windows drive"),
        (modes(0o755, 0o755, 0o755, 0o755), "mode 0755 for everything, as a client on Windows sends it"),
        (
            modes(0o644, 0o644, 0o755),
            "no executable bit on any file, as after the upload of an artifact or with core.fileMode=false",
        ),
        (modes(0o444, 0o555, 0o555), "read-only files and folders (0444 and 0555)"),
        (modes(0o644, 0o755, 0o700), "folders with umask 0077"),
        (modes(0o600, 0o700, 0o755), "files with umask 0077"),
    ],
)
def test_modes_of_all_objects(mode: Callable[[Entry], int], name: str) -> None:
    theirs = [replace(entry, mode=mode(entry)) for entry in PROJECT]
    assert whole(look(theirs, ordered(PROJECT))) == (name,)


def test_executable_bits_come_from_the_index() -> None:
    """All files are executable here, as on a drive of Windows; git stores which ones are."""
    ours = [entry if entry.kind is Kind.SYMLINK else replace(entry, mode=0o777) for entry in PROJECT]
    theirs = [replace(entry, mode=modes(0o664, 0o775, 0o775)(entry)) for entry in PROJECT]
    names = whole(look(theirs, ordered(ours), checkout(PROJECT)))
    assert names == ("modes of git's index with umask 0002",)


def test_a_link_that_is_a_text_file_there_has_a_mode_of_its_own() -> None:
    """The umask changes nothing of what is here: only the text file in place of the link shows it."""
    ours = [entry for entry in PROJECT if entry.kind is Kind.SYMLINK]
    theirs = [file("latest", b"src", 0o664)]
    assert whole(look(theirs, ours)) == ("symbolic links as text files", "modes with umask 0002")
