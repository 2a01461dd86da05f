"""What every page of lab has from its environment."""

from __future__ import annotations

import jinja2
import pytest

from lab.report.html import environment


def test_values_are_escaped_and_a_template_can_use_another() -> None:
    made = environment({"a": "{% include 'b' %}", "b": "<p>{{ word }}</p>"})
    assert made.get_template("a").render(word="<b>&") == "<p>&lt;b&gt;&amp;</p>"


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="word"):
        environment({"a": "{{ word }}"}).get_template("a").render()


def test_every_printed_value_is_given_to_finalize() -> None:
    made = environment({"a": "{{ word }}"}, finalize=str.upper)
    assert made.get_template("a").render(word="x") == "X"
