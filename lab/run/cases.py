"""The case library: the scenarios with their mechanisms and references, found by name, tag or word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import ConfigError, UsageError, did_you_mean, reason
from lab.run.scenario_file import ScenarioFile
from lab.run.scenarios import check_names, find
from lab.yamlfile import load

LESSON = "lesson.md"


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario of the library: its folder, and its file as written."""

    folder: Path
    file: ScenarioFile

    @property
    def name(self) -> str:
        """The name by which `lab repro` runs it: that of its folder."""
        return self.folder.name

    @property
    def lesson(self) -> str:
        """The text of its lesson, in Markdown; empty without one. ConfigError if it cannot be read."""
        path = self.folder / LESSON
        try:
            return path.read_text(encoding="utf-8") if path.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read {path}: {reason(error)}") from error

    def has_word(self, word: str) -> bool:
        """True if the word is in any text of the case, whatever its letters' case."""
        file = self.file
        texts = [
            self.name,
            file.summary,
            file.mechanism,
            file.look,
            *file.tags,
            *(item.url for item in file.references),
        ]
        texts += [text for item in file.variations for text in (item.name, item.summary)]
        return any(word.lower() in text.lower() for text in texts if text)

    @property
    def has_free_commands(self) -> bool:
        """True if a variation uses commands that are not in the vocabulary of changes."""
        return any(
            item.commands is not None or any(change.kind == "commands" for change in item.changes)
            for item in self.file.variations
        )


def cases(folder: Path, *, tags: Sequence[str] = (), word: str | None = None) -> list[Case]:
    """Return the cases in a folder that have all these tags and this word, by name; UsageError for an unknown tag.

    A case is a scenario that describes its mechanism.
    """
    check_names(folder)
    every = [Case(path.parent, load(path, ScenarioFile)) for path in sorted(folder.glob("*/scenario.yaml"))]
    found = [case for case in every if case.file.mechanism]
    known = sorted({tag for case in found for tag in case.file.tags})
    for tag in tags:
        if tag not in known:
            raise UsageError(f'cannot find the tag "{tag}"{did_you_mean(tag, known)}', hint=f"tags: {', '.join(known)}")
    found = [case for case in found if set(tags) <= set(case.file.tags)]
    return [case for case in found if word is None or case.has_word(word)]


def case(name: str, folder: Path) -> Case:
    """Return the case of that name or path; UsageError if there is none."""
    place = find(name, folder)
    return Case(place, load(place / "scenario.yaml", ScenarioFile))
