"""Any text as Markdown for others to read: as `markup` makes it, with placeholders for secrets.

An instruction is shown with the values of build arguments in it, which a CI system hides in its own log alone.
"""

from __future__ import annotations

from lab.report import markup
from lab.report.redactor import Redactor


def hidden(text: str) -> str:
    """The text with a placeholder for each secret that its form or its name shows."""
    return Redactor(secrets_only=True).text(text)


def code(text: str) -> str:
    """The text as a code span on one line."""
    return markup.code(hidden(text))


def cell(text: str) -> str:
    """The text as a table cell."""
    return markup.cell(hidden(text))


def prose(text: str) -> str:
    """The text within a sentence."""
    return markup.prose(hidden(text))
