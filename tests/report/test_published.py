"""Markdown for others: a secret is replaced before the text is escaped, which would hide its form."""

from __future__ import annotations

import pytest

from lab.report import markup, published

TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize("shape", [published.code, published.cell, published.prose, published.hidden])
def test_a_secret_goes_in_every_shape(shape: object) -> None:
    assert callable(shape)
    for text in (f"ADD https://ci:{TOKEN}@example.org/a /a", f"RUN x {TOKEN} | y `z`"):
        shown = shape(text)
        assert "a1B2" not in shown and ("login" in shown or "secret" in shown)


def test_a_text_without_a_secret_is_that_of_markup() -> None:
    text = "COPY a|b `c`"
    assert published.code(text) == markup.code(text)
    assert published.cell(text) == markup.cell(text)
    assert published.prose(text) == markup.prose(text)
    assert published.hidden(text) == text
