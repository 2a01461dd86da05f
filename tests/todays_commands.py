"""Commands of stored runs as lab has them today, so that their recorded answers can be played back."""

from __future__ import annotations

from collections.abc import Sequence

from lab.run.gather.script import SCRIPT

LISTS = "# lab lists a context\n"  # the first line of the script in every version of it


def listed_today(argv: Sequence[str], stdout: str) -> tuple[list[str], str] | None:
    """A recorded listing of a context by today's script; None for another command.

    The script of the recording printed the name of each section as it is, and today's prints `= NAME`. The content of
    the sections is the same.
    """
    words = list(argv)
    if words[:2] != ["sh", "-c"] or not words[2].startswith(LISTS):
        return None
    lines = stdout.split("\n")
    pairs = zip(lines[::2], lines[1::2], strict=False)
    text = "".join(f"= {name}\n{content}\n" for name, content in pairs)
    return [*words[:2], SCRIPT, *words[3:]], stdout if stdout.startswith("= ") else text
