from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lab.errors import ConfigError
from lab.machines.pack.arrival import PIECE, Arrival, copy
from lab.machines.pack.manifest import Entry, Sort

DATA = b"abcdefgh" * (PIECE // 4)  # two pieces


def entry(data: bytes = DATA) -> Entry:
    return Entry(path="boxes/a", size=len(data), sha256=hashlib.sha256(data).hexdigest(), sort=Sort.BOX, about="a")


def source(tmp_path: Path, data: bytes = DATA) -> Path:
    path = tmp_path / "source"
    path.write_bytes(data)
    return path


def test_a_copy_is_complete_and_leaves_no_part(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a"
    counted: list[int] = []
    copy(source(tmp_path), entry(), target, counted.append)
    assert target.read_bytes() == DATA
    assert sum(counted) == len(DATA)
    assert [path.name for path in target.parent.iterdir()] == ["a"]


def test_an_empty_file_arrives(tmp_path: Path) -> None:
    copy(source(tmp_path, b""), entry(b""), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b""


def test_a_part_is_continued(tmp_path: Path) -> None:
    with Arrival(entry(), tmp_path / "a") as arrival:
        arrival.write(DATA[:PIECE])
    counted: list[int] = []
    copy(source(tmp_path), entry(), tmp_path / "a", counted.append)
    assert counted == [PIECE, PIECE]  # what was there, and the other piece
    assert (tmp_path / "a").read_bytes() == DATA


@pytest.mark.parametrize("left", [b"x" * PIECE, b"x" * (len(DATA) + 1), b"x" * len(DATA)])
def test_a_damaged_part_is_copied_again(tmp_path: Path, left: bytes) -> None:
    with Arrival(entry(), tmp_path / "a") as arrival:
        arrival.part.write_bytes(left)
    counted: list[int] = []
    copy(source(tmp_path), entry(), tmp_path / "a", counted.append)
    assert (tmp_path / "a").read_bytes() == DATA
    assert sum(counted) == len(DATA)


def test_a_part_of_other_bytes_is_not_continued(tmp_path: Path) -> None:
    with Arrival(entry(b"another"), tmp_path / "a") as arrival:
        arrival.write(b"an")
    with Arrival(entry(), tmp_path / "a") as arrival:
        assert arrival.offset == 0


@pytest.mark.parametrize("found", [DATA[:-1], DATA[:-1] + b"x"])
def test_a_source_with_another_sum_is_refused_and_not_put(tmp_path: Path, found: bytes) -> None:
    with pytest.raises(ConfigError, match="its sum is not the one"):
        copy(source(tmp_path, found), entry(), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_source_that_has_grown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"more than the {len(DATA)} bytes"):
        copy(source(tmp_path, DATA + b"x"), entry(), tmp_path / "a")
    assert not (tmp_path / "a").exists()
