from __future__ import annotations

import pytest

from lab.errors import ConfigError
from lab.lessons.lesson_text import SECTIONS, read_text

GOOD = "".join(f"## {name}\n\nText of {name}.\n\n" for name in SECTIONS)


def test_the_sections_by_their_headings() -> None:
    text = read_text(GOOD, "test")
    assert [text[name] for name in SECTIONS] == [f"Text of {name}." for name in SECTIONS]


def test_a_heading_in_a_code_block_is_none() -> None:
    text = read_text(GOOD.replace("Text of Run.", "```\n## Goal\n```"), "test")
    assert text["Run"] == "```\n## Goal\n```"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"Hello\n{GOOD}", "text stands before the first heading"),
        (GOOD.replace("## Why", "## Whi"), 'unknown section "Whi".*did you mean "Why"'),
        (GOOD.replace("Text of Why.", ""), 'the section "Why" is empty'),
        (f"{GOOD}## Goal\n\nx\n", 'the section "Goal" stands twice'),
        ("", 'the section "Goal" is missing'),
        ("## Run\n\nx\n\n" + GOOD.replace("## Run\n\nText of Run.\n\n", ""), "the order of the sections"),
    ],
)
def test_a_wrong_text_is_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        read_text(text, "test")
