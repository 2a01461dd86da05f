"""The steps of a scenario's sequence as a run stores them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from lab.yamlfile import Strict


class SequenceStep(Strict):
    """One step of a sequence: its name in YAML, its side, and those of its values that are not the default ones.

    Values that a build or the transcript has already, such as arguments, changes and expectations, are left out.
    """

    step: str
    side: Literal["producer", "consumer"] = "consumer"
    values: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def title(self) -> str:
        """The step in words, as in `consumer: save image=other`."""
        return " ".join([f"{self.side}: {self.step}", *(f"{name}={_word(item)}" for name, item in self.values.items())])


def _word(value: JsonValue) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ",".join(f"{name}:{item}" for name, item in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)
