"""A new lesson: a folder that can be loaded and that passes the lint, as a start for its author."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from lab import files
from lab.counting import whole_number
from lab.errors import UsageError
from lab.lessons.lesson_text import SECTIONS
from lab.lessons.library import Lesson, read_lesson

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
DATA = """\
title: {title}
track: first-hour
minutes: 10
run:
  case: exec-bit
  variations: [none, executable]
prediction:
  question: The executable bit of app.txt is set. Does the COPY of it run again?
  choices:
    - {{name: hits, text: "No, it hits.", when: [{{variation: executable, step: 2, outcome: hit}}]}}
    - {{name: runs, text: "Yes, it runs.", when: [{{variation: executable, step: 2, outcome: ran}}]}}
exercise:
  builds:
    - {{name: before, of: start}}
    - {{name: after}}
  check:
    - name: copy-runs
      look: {{step: {{build: after, step: "COPY app.txt*", outcome: ran}}}}
      hints:
        hit: The COPY hits, so nothing that it hashes has changed.
        otherwise: "The COPY has the outcome {{found}}: {{detail}}"
  hints:
    - The COPY hashes the mode of app.txt.
  solution: {{changes: [{{mode: {{app.txt: "0755"}}}}]}}
  wrong:
    - {{name: other-time, changes: [{{time: {{app.txt: "2001-02-03"}}}}], fails: copy-runs, found: hit}}
"""
DOCKERFILE = "FROM lesson/base:1\nCOPY app.txt /app.txt\n"


def write_lesson(slug: str, library: Path) -> Lesson:
    """Write the folder NN-SLUG with the next free number into a library, and load it.

    UsageError for a slug that cannot be a name, and if a lesson has it already.
    """
    if not SLUG.fullmatch(slug):
        raise UsageError(f'cannot name a lesson "{slug}": it needs small letters, digits and hyphens')
    names = [path.parent.name for path in library.glob("*/lesson.yaml")]
    if known := next((name for name in names if name[3:] == slug), None):
        raise UsageError(f"cannot write the lesson {slug}: {library / known} exists")
    numbers = [number for name in names if (number := whole_number(name[:2])) is not None]
    folder = library / f"{max(numbers, default=0) + 1:02}-{slug}"
    try:
        files.write(folder / "lesson.yaml", DATA.format(title=slug.replace("-", " ").capitalize()))
        text = "\n\n".join(f"## {name}\n\nWrite this section." for name in SECTIONS)
        files.write(folder / "lesson.md", text + "\n")
        files.write(folder / "start" / "Dockerfile", DOCKERFILE)
        files.write(folder / "start" / "app.txt", "the program\n")
        return read_lesson(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
