"""Tables for a terminal of any width: columns where they fit, else some lines for each row."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from lab.cli.terminal import harmless, width

GAP = 2  # blanks between two columns of a plain table
LONG_WORD = 24  # a longer word, such as an image with its digest, may be broken where a table would not fit otherwise


def columns(rows: Sequence[Sequence[object]], heads: Sequence[str], most: int | None = None) -> str:
    """The rows under their heads, at most `most` columns wide (default: the terminal's width).

    Cells are broken between words where the table is too wide, the widest column first; then long words are broken too.
    Where even that does not fit, each row becomes a block: its first cell, then the others after their heads. None is
    shown as "-", 2.0 as 2.
    """
    import tabulate  # late: --help need not pay for it

    tabulate.MIN_PADDING = 0  # its default of 2 widens each column by its header, past the width that was computed
    most = most or width()
    cells = [[_word(cell) for cell in row] for row in rows]
    lines = [list(heads), *cells]
    whole = _widths(lines, most)
    widths = whole or _widths(lines, most, LONG_WORD)
    if widths is None:
        return "\n".join(_block(row, heads, most) for row in cells)
    return tabulate.tabulate(
        cells,
        heads,
        tablefmt="plain",
        disable_numparse=True,
        maxcolwidths=widths,
        maxheadercolwidths=widths,
        break_long_words=whole is None,
        break_on_hyphens=False,
    )


def _word(cell: object) -> str:
    return "-" if cell is None else f"{cell:g}" if isinstance(cell, float) else harmless(str(cell))


def _widths(lines: list[list[str]], most: int, longest: int | None = None) -> list[int] | None:
    """A width for each column so that a line is at most `most` wide; None if there is none.

    No word is broken but those longer than `longest`.
    """
    by_column = list(zip(*lines, strict=True))
    natural = [max(1, *map(len, cells)) for cells in by_column]
    words = [[len(word) for cell in cells for word in cell.split()] for cells in by_column]
    least = [max([1, *(min(size, longest or size) for size in sizes)]) for sizes in words]
    room = most - GAP * (len(natural) - 1)
    if sum(least) > room:
        return None
    natural = [min(size, room) for size in natural]  # a cell may have megabytes: those steps can be skipped
    while sum(natural) > room:
        spare = [(size, number) for number, size in enumerate(natural) if size > least[number]]
        natural[max(spare)[1]] -= 1
    return natural


def _block(row: Sequence[str], heads: Sequence[str], most: int) -> str:
    pairs = "; ".join(f"{head} {cell}" if head else cell for head, cell in zip(heads[1:], row[1:], strict=True) if cell)
    return f"{row[0]}\n{fill(pairs, most, indent='  ')}" if pairs else row[0]


def fill(text: str, most: int | None = None, *, indent: str = "", first: str | None = None) -> str:
    """The text in lines of at most `most` columns (default: the terminal's), words left whole so that names can be
    copied.
    """
    return textwrap.fill(
        harmless(text),
        most or width(),
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
