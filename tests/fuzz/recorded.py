"""The recordings from which bad inputs are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import ROOT

DATA = ROOT / "tests" / "data"
Seeds = Callable[[], Sequence[bytes]]


@cache
def _contents(folder: Path, pattern: str) -> tuple[bytes, ...]:
    found = tuple(path.read_bytes() for path in sorted(folder.glob(pattern)) if path.is_file())
    assert found, f"no recording below {folder} matches {pattern}"
    return found


def files(pattern: str, folder: Path = DATA) -> Seeds:
    """The contents of the files below a folder that match the pattern; they are read at the first use."""
    return lambda: _contents(folder, pattern)


def texts(*seeds: str) -> Seeds:
    """Inputs that are written here."""
    return lambda: [seed.encode() for seed in seeds]


def in_file(read: Callable[[Path], object], name: str = "input") -> Callable[[bytes], object]:
    """A parser of bytes, made of one that reads a file of that name."""

    def of_bytes(data: bytes) -> object:
        with TemporaryDirectory(prefix="lab-fuzz-") as folder:
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            return read(path)

    return of_bytes
