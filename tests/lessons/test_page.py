from __future__ import annotations

from dataclasses import replace

from lab.lessons.lesson_text import LessonText
from lab.lessons.page import before_run, page_of
from tests.lessons.stand_in import lesson


def test_the_text_before_the_run_has_the_question_and_does_not_give_the_answer_away() -> None:
    text = before_run(lesson())
    assert "## Goal" in text and "## Exercise" in text and "`all-steps`" in text
    assert "## Reveal" not in text and "## Solution" not in text


def test_a_page_has_no_script_of_the_lesson() -> None:
    found = lesson()
    bad = "<script>alert(1)</script> <img src=x onerror=alert(1)> [a](javascript:alert(1))"
    text = LessonText({**found.text.sections, "Goal": bad})
    page = page_of(found, before_run(replace(found, text=text)))
    assert "<script" not in page and "<img" not in page and 'href="javascript' not in page
    assert "&lt;script&gt;" in page
