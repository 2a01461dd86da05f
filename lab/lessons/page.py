"""A lesson as Markdown and as one HTML page: what a student reads before the run, or the whole lesson."""

from __future__ import annotations

import html
from collections.abc import Iterable

from markdown_it import MarkdownIt

from lab.lessons.lesson_text import BEFORE
from lab.lessons.library import TRACKS, Lesson

EXERCISE = "Exercise"
STYLE = """\
body { font: 1.05rem/1.55 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24;
       background: #fff; }
pre { background: #f2f4f7; padding: .8rem; overflow-x: auto; } code { font-size: .92em; }
table { border-collapse: collapse; } td, th { border: 1px solid #c9d1d9; padding: .2rem .6rem; text-align: left; }
header p { color: #57606a; } ol.choices li { margin: .4rem 0; }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117; } pre { background: #161b22; } }
"""


def heading_of(lesson: Lesson) -> str:
    """One line: the number, the title, the track and the time."""
    return f"{lesson.number} {lesson.file.title} ({TRACKS[lesson.file.track]}, {lesson.file.minutes} minutes)"


def markdown_of(lesson: Lesson, names: Iterable[str]) -> str:
    """These sections as Markdown with their headings; the question with its choices follows the prediction."""
    parts = [f"# {heading_of(lesson)}"]
    for name in names:
        parts += [f"## {name}", lesson.text[name]]
        if name == "Prediction":
            parts.append(question_of(lesson))
    return "\n\n".join(parts) + "\n"


def question_of(lesson: Lesson) -> str:
    """The question and its choices as Markdown."""
    asked = lesson.file.prediction
    lines = [f"{number}. `{choice.name}`: {choice.text}" for number, choice in enumerate(asked.choices, 1)]
    return "\n".join([f"**{asked.question.strip()}**", "", *lines])


def before_run(lesson: Lesson) -> str:
    """What a student reads first: the goal, the prediction and the exercise."""
    return markdown_of(lesson, (*BEFORE, EXERCISE))


def page_of(lesson: Lesson, markdown: str) -> str:
    """One page without scripts and without any other file. HTML in the Markdown is shown as text."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    title = html.escape(lesson.file.title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body>\n{body}</body></html>\n"
    )
