"""Files in folders and archives: every compression, damage of every kind, limits."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

import lab.registry.archive as limits
from lab.errors import ReadError
from lab.registry.archive import open_files
from tests.registry.archives import SAVED, archive, unpacked

pytestmark = pytest.mark.slow

LARGE = bytes(range(256)) * 1024  # 256 KiB: more than what is kept while an archive is listed
MODES = ["w", "w:gz", "w:bz2", "w:xz", "w:zst"]


@pytest.mark.parametrize("mode", MODES)
def test_files_of_every_compression(tmp_path: Path, mode: str) -> None:
    path = archive(tmp_path / "a", {"./small": b"1", "dir/large": LARGE, "last": b"2"}, mode)
    with open_files(path) as files:
        assert (files.read("small"), files.read("dir/large"), files.read("last")) == (b"1", LARGE, b"2")
        assert (files.read("none"), files.size("none"), files.size("dir/large")) == (None, None, len(LARGE))


@pytest.mark.parametrize("mode", MODES)
def test_of_two_files_with_one_name_the_last_counts(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a"
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w" if mode == "w:zst" else mode) as made:  # type: ignore[call-overload]
        for content in (b"old", LARGE):
            item = tarfile.TarInfo("x")
            item.size = len(content)
            made.addfile(item, io.BytesIO(content))
    data = plain.getvalue()
    path.write_bytes(zstandard.compress(data) if mode == "w:zst" else data)
    with open_files(path) as files:
        assert files.read("x") == LARGE


def test_zstd_in_several_frames_and_behind_a_skippable_one(tmp_path: Path) -> None:
    data = archive(tmp_path / "plain", SAVED).read_bytes()
    frames = zstandard.compress(data[:700]) + zstandard.compress(data[700:])
    (tmp_path / "a").write_bytes(b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" + frames)
    with open_files(tmp_path / "a") as files:
        assert files.read("c.json") == SAVED["c.json"]


def test_a_zstd_stream_that_asks_for_too_much_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WINDOW", 1 << 20)  # the limit, so that the test needs no 128 MiB itself
    data = archive(tmp_path / "plain", {"x": bytes(3 << 20)}).read_bytes()
    parameters = zstandard.ZstdCompressionParameters(window_log=22)
    (tmp_path / "a").write_bytes(zstandard.ZstdCompressor(compression_params=parameters).compress(data))
    with pytest.raises(ReadError, match=r"it is not an archive of an image: .*memory"), open_files(tmp_path / "a"):
        pass


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"secret")
    folder = unpacked(tmp_path / "in", {"a/b": b"1"})
    with open_files(folder) as files:
        assert (files.read("a/b"), files.size("a/b"), files.read("a/b/c"), files.size("x")) == (b"1", 1, None, None)
        for path in ("../out", str(tmp_path / "out"), "", "a/../../out", "a\0"):
            assert (files.read(path), files.size(path)) == (None, None)
        with pytest.raises(ReadError, match="Is a directory"):
            files.read("a")


def test_a_file_that_is_too_large_is_refused_with_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST", 1000)  # the limit, so that the test writes no 16 MiB
    for path in (archive(tmp_path / "a", {"x": LARGE}), unpacked(tmp_path / "f", {"x": LARGE})):
        with open_files(path) as files, pytest.raises(ReadError, match=r"more than 1000"):
            files.read("x")


def test_an_archive_of_very_many_files_is_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBERS", 3)  # the limit, so that the test writes no 20,000 files
    path = archive(tmp_path / "a", {str(number): b"" for number in range(4)})
    with pytest.raises(ReadError, match="it has more than 3 files"), open_files(path):
        pass


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\x28\xb5\x2f\xfd rest", "it is not an archive of an image"),
        (b"\xfd7zXZ\x00" + b"\xff" * 100, "the archive is cut off or damaged"),
        (b"BZh9" + b"\xff" * 100, "the archive is cut off or damaged"),
        (gzip.compress(b"no archive at all", mtime=0), "it is not an archive of an image"),
        (b"no archive at all" * 100, "it is not an archive of an image"),
        (b"\x1f\x8b\x08\x00" + b"\xff" * 100, "it is not an archive of an image"),
        (b"no archive at all", "it is not an archive of an image"),
        (b"", "it is not an archive of an image"),
    ],
)
def test_files_that_are_no_archives(tmp_path: Path, start: bytes, said: str) -> None:
    (tmp_path / "a").write_bytes(start)
    with pytest.raises(ReadError, match=said) as error, open_files(tmp_path / "a"):
        pass
    assert "\n" not in error.value.message and error.value.hint


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="No such file"), open_files(tmp_path / "gone"):
        pass


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9])
def test_an_archive_that_is_cut_off_is_called_that(tmp_path: Path, mode: str, part: float) -> None:
    whole = archive(tmp_path / "a", {"x": random.Random(1).randbytes(100_000)}, mode).read_bytes()
    (tmp_path / "a").write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ReadError, match="the archive is cut off or damaged") as error, open_files(tmp_path / "a"):
        pass
    assert error.value.hint == "copy it again, or make it again"


@pytest.mark.parametrize("mode", MODES)
@given(part=st.floats(0.0, 0.99))
def test_a_part_of_an_archive_is_a_read_error_or_has_fewer_files(mode: str, part: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = archive(Path(folder) / "a", {"x": LARGE}, mode)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * part)])
        with suppress(ReadError), open_files(path) as files:
            assert files.read("x") in (None, LARGE)


@pytest.mark.parametrize("mode", MODES)
@given(damage=st.binary(max_size=64), place=st.integers(0, 2000))
def test_a_damaged_archive_is_a_read_error_or_still_readable(mode: str, damage: bytes, place: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = archive(Path(folder) / "a", SAVED, mode)
        whole = path.read_bytes()
        path.write_bytes(whole[:place] + damage + whole[place + len(damage) :])
        with suppress(ReadError), open_files(path) as files:
            assert isinstance(files.read("c.json"), bytes | None)
