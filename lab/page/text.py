"""Text of boxes and files as a page may show it: nothing in it can act, hide or turn the line around."""

from __future__ import annotations

import re

from lab.progress.terminal import without_escapes

NEWLINES = re.compile(r"\r\n?")
# Direction controls reorder what stands beside them, separators break lines, the rest has no width: all hide something.
UNSEEN = (0x061C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
UNSEEN_WIDE = (*range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080))
SHOWN: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)},
    0x7F: "\u2421",
    **{code: f"⟨U+{code:04X}⟩" for code in (*range(0x80, 0xA0), *UNSEEN, *UNSEEN_WIDE)},
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}
TROUBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
WIDEST = 2000


def visible(text: str) -> str:
    """The text without terminal escapes; other controls, direction marks and lone surrogates become visible signs."""
    if not TROUBLE.search(text):
        return text
    return NEWLINES.sub("\n", without_escapes(NEWLINES.sub("\n", text))).translate(SHOWN)


def shortened(text: str, limit: int = WIDEST) -> str:
    """One line of at most about `limit` characters; what is left out is counted in its middle."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} [… {len(text) - 2 * half} characters …] {text[-half:]}"


def seconds(value: float | None) -> str:
    """A duration as people say it: 0.52 s, 34.9 s, 2 min 5 s; a dash where none is known."""
    if value is None:
        return "–"
    if value < 9.995:
        return f"{value:.2f} s"
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def sent(count: int | None) -> str:
    """Bytes as Docker prints them, as in 34B."""
    return "?" if count is None else f"{count}B"


def plural(count: int, noun: str) -> str:
    """A count with its noun, as in `1 trial`, `6 trials`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
