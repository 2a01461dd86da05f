"""Lines that mean nothing to any form of build output, which most lines of a long log with other text are."""

from __future__ import annotations

import re

from lab.buildkit.progress import foreign, frame, runner
from lab.buildkit.progress.clean import VISIBLE, Cleaner, is_plain
from lab.buildkit.progress.forms import SHAPED
from lab.buildkit.progress.terminal import without_escapes

# What begins a line that may mean something: a line of a build, JSON, a rule of dashes, an image's ID, a runner's time.
SIGNIFICANT = re.compile(rf"(?:{SHAPED.pattern})|[ \t>]*(?:[{{}}\\]|\[\{{|------)|[0-9a-f]{{64}}|{runner.PART.pattern}")
# What a build's last words, the reason of its failure, and a prompt that calls docker hold some of.
ENDINGS = ("docker", "failed", "canceled", "ERROR")
UNCHANGED = Cleaner()


def is_inert(text: str) -> bool:
    """Return whether a line changes nothing if no build was met.

    False says nothing: such a line is read like any other.
    """
    if "\x1b" in text:
        text = without_escapes(text)
    if SIGNIFICANT.match(text) or "section_" in text:
        return False
    if not is_plain(text) and UNCHANGED.line(text) != text:
        return False
    if frame.find(text) is not None or foreign.name_of(text) is not None:
        return False
    return "[" not in text or not VISIBLE.search(text) or not SHAPED.match(VISIBLE.sub("", text))


def is_inert_after_build(text: str) -> bool:
    """Return whether a line changes nothing if a build was met to which text that means nothing is no news."""
    for word in ENDINGS:
        if word in text:
            return False
    return is_inert(text)
