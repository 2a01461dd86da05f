"""What every form of build output has in common."""

from __future__ import annotations

from typing import Protocol

from lab.buildkit.progress.build import Build, Step


class Form(Protocol):
    """One build in one of the forms, as far as it was read."""

    @property
    def busy(self) -> bool:
        """Whether the next lines are what a program within the build prints, as far as is known."""

    @property
    def idle(self) -> bool:
        """Whether more text that means nothing to any form (`inert`) changes nothing."""

    def other(self, line: str) -> None:
        """Take note of a line that is not of this form."""

    def news(self) -> list[Step]:
        """Steps that got an outcome since the last call."""

    def build(self) -> Build:
        """The build as known now."""


class LineForm(Form, Protocol):
    """A form that is made of lines; `text` is a line without escape sequences, `raw` the same line with them."""

    @staticmethod
    def matches(text: str) -> bool:
        """Whether the line has the shape of this form at all."""

    @staticmethod
    def opens(text: str) -> bool:
        """Whether a build may begin with this line."""

    def is_next_build(self, text: str, raw: str) -> bool:
        """Whether this line belongs to another build than those before it."""

    def read(self, text: str, raw: str) -> None:
        """Take one line of this build."""
