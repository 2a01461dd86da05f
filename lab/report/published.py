"""Any text for others to read, with placeholders for secrets: as Markdown, which `markup` makes, or within JSON.

An instruction is shown with the values of build arguments in it, which a CI system hides in its own log alone.
"""

from __future__ import annotations

from typing import Any

from lab.report import markup
from lab.report.redactor import Redactor


def hidden(text: str) -> str:
    """The text with a placeholder for each secret that its form or its name shows."""
    return Redactor(secrets_only=True).text(text)


def hidden_values(value: dict[str, Any]) -> dict[str, Any]:
    """A JSON object in which each text is as `hidden` shows it: a pipeline keeps such files."""
    shown: dict[str, Any] = _hidden_within(value, Redactor(secrets_only=True))
    return shown


def _hidden_within(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, dict):
        return {name: _hidden_within(item, redactor) for name, item in value.items()}
    if isinstance(value, list):
        return [_hidden_within(item, redactor) for item in value]
    return redactor.text(value) if isinstance(value, str) else value


def code(text: str) -> str:
    """The text as a code span on one line."""
    return markup.code(hidden(text))


def cell(text: str) -> str:
    """The text as a table cell."""
    return markup.cell(hidden(text))


def prose(text: str) -> str:
    """The text within a sentence."""
    return markup.prose(hidden(text))
