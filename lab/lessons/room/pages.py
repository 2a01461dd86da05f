"""The pages of a room, made of the templates in templates/reports/room and the text of the lesson."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup

from lab.errors import ConfigError
from lab.lessons.library import Lesson
from lab.report.html import environment

TEMPLATES = "room"
FILES = {"room.css": "text/css", "feed.js": "text/javascript", "screen.js": "text/javascript"}
FILES |= {"student.js": "text/javascript", "icon.svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice as the pages show it: its letter, its name, and its text as HTML."""

    letter: str
    name: str
    text: Markup


class Pages:
    """The pages of one lesson; HTML in the Markdown of the lesson is shown as text.

    `texts` holds the files of templates/reports/room by name. ConfigError for a template that cannot be used.
    """

    def __init__(self, lesson: Lesson, texts: Mapping[str, str]) -> None:
        missing = [name for name in FILES if name not in texts]
        if missing:
            raise ConfigError(f"cannot make the pages of a room: {', '.join(missing)} is missing in its templates")
        self.files = {name: texts[name] for name in FILES}
        self._environment = environment(texts)
        markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
        asked = lesson.file.prediction
        self._values: dict[str, Any] = {
            "number": lesson.number,
            "title": lesson.file.title,
            "question": Markup(markdown.renderInline(asked.question.strip())),
            "choices": [
                Choice(letter, choice.name, Markup(markdown.renderInline(choice.text.strip())))
                for letter, choice in zip(ascii_uppercase, asked.choices, strict=False)
            ],
            "before": Markup(markdown.render(lesson.text["Prediction"])),
            "run": Markup(markdown.render(lesson.text["Run"])),
        }
        # by the ids of their places on the page of the projector
        self.texts = {
            name.lower(): f"<h2>{name}</h2>{markdown.render(lesson.text[name])}" for name in ("Reveal", "Why")
        }

    def join(self, typed: str = "", problem: str = "") -> str:
        """The page with the field for the join code."""
        return self._page("join.html.j2", typed=typed, problem=problem)

    def student(self) -> str:
        """The page of a student: the question and its choices."""
        return self._page("student.html.j2")

    def screen(self, urls: tuple[str, ...], code: str, *, teacher: bool) -> str:
        """The page of the projector, for the teacher with the buttons."""
        return self._page("screen.html.j2", urls=urls, code=code, teacher=teacher)

    def _page(self, name: str, **values: object) -> str:
        try:
            return self._environment.get_template(name).render(**self._values, **values)
        except jinja2.TemplateError as error:
            raise ConfigError(f"cannot make the page: {getattr(error, 'name', None) or name}: {error}") from error
