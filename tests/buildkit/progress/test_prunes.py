"""Prunes in a log, as docker and buildx print them."""

from __future__ import annotations

import pytest

from lab.buildkit.progress.prunes import Prune, Prunes

DOCKER = "+ docker system prune -af\nDeleted build cache objects:\nabc\ndef\n\nTotal reclaimed space: 1.27GB\n"
BUILDX = "ID\t\t\t\tRECLAIMABLE\tSIZE\tLAST ACCESSED\nabc*  true  8.19kB\nTotal:\t12.5MB\n"


def prunes(text: str, size: int = 1 << 20) -> list[Prune]:
    reader, data = Prunes(), text.encode()
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    reader.flush()
    return reader.found


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_the_last_line_of_a_prune_says_how_much(size: int) -> None:
    assert prunes(DOCKER, size) == [Prune(6, "Total reclaimed space: 1.27GB")]
    assert prunes(BUILDX, size) == [Prune(3, "Total: 12.5MB")]


def test_behind_a_ci_systems_prefix() -> None:
    text = "".join(f"2026-11-25T10:00:00.0000000Z {line}\n" for line in DOCKER.splitlines())
    assert prunes(text) == [Prune(6, "Total reclaimed space: 1.27GB")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Total reclaimed space: 0B\n",
        "Total: 12.5MB\n",  # no table of a prune comes before it
        "x" * 1000 + "Total reclaimed space: 1.27GB\n",
    ],
)
def test_what_removed_nothing_or_is_no_prune(text: str) -> None:
    assert prunes(text) == []


def test_without_a_line_feed_at_the_end() -> None:
    assert prunes(DOCKER.rstrip("\n")) == [Prune(6, "Total reclaimed space: 1.27GB")]
