"""The pages of a room: text of a stranger's lesson stays text, and nothing says the answer before the reveal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.errors import ConfigError
from lab.lessons.lesson_text import LessonText
from lab.lessons.library import Lesson
from lab.lessons.room.pages import TEMPLATES, Pages
from lab.project import find

URLS = ("http://192.168.1.20:8766",)


@pytest.fixture
def texts() -> dict[str, str]:
    return find().texts(TEMPLATES)


def test_html_scripts_and_images_of_a_lesson_are_text(lesson: Lesson, texts: dict[str, str]) -> None:
    bad = "<script>alert(1)</script> ![x](http://evil.example/x.png) [y](javascript:alert(2))"
    asked = lesson.file.prediction
    choice = asked.choices[0].model_copy(update={"text": bad})
    prediction = asked.model_copy(update={"question": bad, "choices": (choice, *asked.choices[1:])})
    file = lesson.file.model_copy(update={"title": bad[:60], "prediction": prediction})
    text = LessonText(dict.fromkeys(lesson.text.sections, bad))
    pages = Pages(replace(lesson, file=file, text=text), texts)
    for page in (pages.join(), pages.student(), pages.screen(URLS, "ABC DEF", teacher=True), *pages.texts.values()):
        assert "<script>alert" not in page
        assert "<img" not in page
        assert 'href="javascript' not in page
    assert "&lt;script&gt;alert(1)" in pages.student()


def test_no_page_has_the_reveal_or_a_script_of_its_own(lesson: Lesson, texts: dict[str, str]) -> None:
    pages = Pages(lesson, texts)
    first = lesson.text["Reveal"].splitlines()[0].lstrip("- ")
    for page in (pages.student(), pages.screen(URLS, "ABC DEF", teacher=False)):
        assert first not in page
        assert "<script>" not in page
        assert "style=" not in page
        assert "http" not in page.replace('href="http://www.w3.org', "")
    assert first in pages.texts["reveal"]


def test_choices_have_letters_on_both_pages(lesson: Lesson, texts: dict[str, str]) -> None:
    pages = Pages(lesson, texts)
    for page in (pages.student(), pages.screen(URLS, "ABC DEF", teacher=False)):
        assert all(f"<b>{letter}</b>" in page for letter in "ABCD")
    assert "192.168.1.20:8766" in pages.screen(URLS, "ABC DEF", teacher=False)


def test_a_template_that_is_missing_or_damaged_is_named(lesson: Lesson, texts: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"screen\.js is missing"):
        Pages(lesson, {name: text for name, text in texts.items() if name != "screen.js"})
    pages = Pages(lesson, {**texts, "student.html.j2": "{% if %}"})
    with pytest.raises(ConfigError, match=r"cannot make the page: student\.html\.j2"):
        pages.student()
