"""The text of a lesson: Markdown in sections with fixed headings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.errors import ConfigError, did_you_mean

SECTIONS = ("Goal", "Prediction", "Run", "Reveal", "Why", "Next question", "Exercise", "Solution", "In your CI")
BEFORE = SECTIONS[:2]  # what `start` shows before the run
HEADING = re.compile(r"^## +(\S(?:.*\S)?) *$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class LessonText:
    """The sections of lesson.md by their headings, each as Markdown without its heading."""

    sections: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.sections[name]


def read_text(text: str, where: str) -> LessonText:
    """Split the text at its headings; ConfigError names each section that is missing, empty, unknown or misplaced."""
    hidden = FENCE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)  # a heading in a code block is none
    found = list(HEADING.finditer(hidden))
    problems = []
    if hidden[: found[0].start() if found else None].strip():
        problems.append("text stands before the first heading")
    sections: dict[str, str] = {}
    for place, heading in enumerate(found):
        name = text[heading.start(1) : heading.end(1)]
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        if name not in SECTIONS:
            problems.append(f'unknown section "{name}"{did_you_mean(name, list(SECTIONS))}')
        elif name in sections:
            problems.append(f'the section "{name}" stands twice')
        else:
            sections[name] = text[heading.end() : end].strip("\n")
    problems += [f'the section "{name}" is missing' for name in SECTIONS if name not in sections]
    problems += [f'the section "{name}" is empty' for name, content in sections.items() if not content.strip()]
    if not problems and list(sections) != list(SECTIONS):
        problems.append(f"the order of the sections is {', '.join(SECTIONS)}")
    if problems:
        raise ConfigError(f"cannot use {where}: {'; '.join(problems)}")
    return LessonText(sections)
