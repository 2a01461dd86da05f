"""The words of ENV and ARG."""

from __future__ import annotations

from lab.buildkit.cachekeys.instruction import instruction
from lab.buildkit.cachekeys.pairs import pairs_of, quoted_words


def test_words_with_quotes() -> None:
    assert quoted_words("a='b c' d=\"e 'f\" g\\\\ h i", "\\") == ["a='b c'", 'd="e \'f"', "g\\\\", "h", "i"]


def test_pairs() -> None:
    def pairs(line: str) -> list[tuple[str, str | None]]:
        return pairs_of(instruction(line), "\\")

    assert pairs("ENV A=1 B='x y'") == [("A", "1"), ("B", "'x y'")]
    assert pairs("ENV A 1  B=2") == [("A", "1  B=2")]
    assert pairs("ARG A B=") == [("A", None), ("B", "")]
