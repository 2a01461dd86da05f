"""Words of the page: durations, counts, moments."""

from __future__ import annotations

from datetime import UTC, datetime

WIDEST = 2000


def shortened(text: str, limit: int = WIDEST) -> str:
    """One line of at most about `limit` characters; its middle counts the characters that are left out."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} [… {len(text) - 2 * half} characters …] {text[-half:]}"


def seconds(value: float | None) -> str:
    """A duration for people: 0.52 s, 34.9 s, 2 min 5 s; a dash for an unknown one."""
    if value is None:
        return "–"
    if value < 9.995:
        return f"{value:.2f} s"
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def clock(moment: datetime | None) -> str:
    """A moment in UTC to the second; empty for None."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def phase(about: str) -> str:
    """A phase that is neither a production nor a trial, in words, by its name in the transcript."""
    if about.endswith("/facts"):
        box, _, engine = about.removesuffix("/facts").rpartition(":")
        return f"the facts of {box} with {engine}"
    return {"": "the beginning and the end", "base": "the base image"}.get(about, about)
