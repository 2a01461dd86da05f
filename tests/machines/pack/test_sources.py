from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.errors import ConfigError, UsageError
from lab.machines.pack.manifest import NAME
from lab.machines.pack.sources import Folder, open_source
from tests.machines.pack.packs import FILES, silent, write_pack

BOX = "boxes/one-0123456789ab.box"


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def lead_outside(path: Path) -> None:
    """Replace a file by a link to the same bytes outside of the pack."""
    moved = path.rename(path.parents[2] / "moved")
    path.symlink_to(moved)


def test_a_whole_pack_is_accepted(tmp_path: Path) -> None:
    folder = write_pack(tmp_path)
    source = open_source(str(folder), tmp_path / "cache")
    assert source.get([], silent) == folder
    assert source.is_kept
    assert len(source.manifest.files) == len(FILES)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (flip, "is damaged: its sum is not the one of the manifest"),
        (Path.unlink, "is missing"),
        (lambda path: path.write_bytes(b"short"), "has 5 bytes instead of"),
        (lead_outside, "is a link to a file outside of the pack"),
    ],
)
@pytest.mark.parametrize("path", [BOX, "wheels/example-1.0-py3-none-any.whl"])
def test_a_spoilt_file_is_refused_by_name(
    tmp_path: Path, spoil: Callable[[Path], object], problem: str, path: str
) -> None:
    folder = write_pack(tmp_path)
    spoil(folder / path)
    with pytest.raises(ConfigError) as caught:
        Folder(folder).get([], silent)
    assert f"{path} {problem}" in caught.value.message
    assert f"python -m lab pack {folder}" in (caught.value.hint or "")


def test_the_first_of_many_spoilt_files_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    folder = write_pack(tmp_path)
    for path in FILES:
        (folder / path).unlink()
    with pytest.raises(ConfigError) as caught:
        Folder(folder).get([], silent)
    assert caught.value.message.count("is missing") == len(FILES) == 5
    assert "more" not in caught.value.message


@pytest.mark.parametrize("word", ["no-such-folder", "ftp://example/pack"])
def test_what_is_no_place_of_a_pack_is_refused(tmp_path: Path, word: str) -> None:
    with pytest.raises(UsageError):
        open_source(word, tmp_path)


def test_a_manifest_that_is_a_folder_is_no_pack(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(Exception, match="cannot read"):
        open_source(str(tmp_path), tmp_path)
