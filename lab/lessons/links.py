"""Where the links of a folder may lead that somebody else made."""

from __future__ import annotations

from pathlib import PurePosixPath


def leads_out(path: PurePosixPath, text: str) -> bool:
    """True if a link at a path of a folder might lead out of that folder.

    Its text may go up as far as the folder and then down. Where no link of a folder goes up after it has gone down, no
    chain of them leads out either, whatever is beside them.
    """
    words = [word for word in text.split("/") if word not in ("", ".")]
    ups = next((number for number, word in enumerate(words) if word != ".."), len(words))
    return not text or text.startswith("/") or "\0" in text or ups > len(path.parts) - 1 or ".." in words[ups:]
