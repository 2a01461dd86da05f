"""Templates that do not end, or that make too much: each is stopped with an error that names the file."""

from __future__ import annotations

import sys

import pytest

from lab.errors import ConfigError
from lab.run import sandbox
from lab.run.rendering import render

ENDLESS = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro m(n) %}{{ m(n + 1) if n < 40 }}{{ m(n + 1) if n < 40 }}{% endmacro %}{{ m(0) }}",
    "{% set n = namespace(i=0) %}{% for a in range(99999) %}{% for b in range(99999) %}{% set n.i = b % 7 %}"
    "{% endfor %}{% endfor %}",
]
HUGE = [
    "{{ 'x' * 10000000 }}",
    "{{ 10000000 * 'x' }}",
    "{{ [1] * 10000000 }}",
    "{{ 10 ** 10000000 }}",
    "{{ '%10000000d' % 1 }}",
    "{{ '{:10000000}'.format(1) }}",
    "{{ 'x'.ljust(10000000) }}",
    "{{ 'x' | center(10000000) }}",
    "{{ 'x' | indent(10000000, true) }}",
    "{% for a in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
    "{% set n = namespace(a='x' * 1000) %}{% for i in range(40) %}{% set n.a = n.a ~ n.a %}{% endfor %}",
]


@pytest.mark.parametrize("text", ENDLESS)
def test_a_template_that_does_not_end_is_stopped(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 0.2)  # so that the test is short
    with pytest.raises(
        ConfigError, match=r"cannot render F/Dockerfile\.j2: stopped.*it took more than 0\.2 s"
    ) as caught:
        render(text, {}, "F/Dockerfile.j2")
    assert "a template of a scenario fills in names" in str(caught.value.hint)


@pytest.mark.parametrize("text", HUGE)
def test_a_template_that_makes_megabytes_is_stopped(text: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot render F/scenario\.yaml: stopped.*more than 8 MiB"):
        render(text, {}, "F/scenario.yaml")


def test_what_watched_the_program_before_watches_it_again() -> None:
    before = sys.gettrace()
    assert render("{% for a in range(3) %}{{ name ~ a }} {% endfor %}", {"name": "x"}, "F") == "x0 x1 x2 "
    with pytest.raises(ConfigError):
        render(HUGE[0], {}, "F")
    assert sys.gettrace() is before


def test_usual_templates_are_filled_in() -> None:
    text = "{{ 'ab' * 3 }} {{ '%03d' % 7 }} {{ '{:>4}'.format(1) }} {{ 2 ** 10 }} {{ 'x' | center(5) }}\n"
    assert render(text, {}, "F") == "ababab 007    1 1024   x  \n"
    assert render("no template {", {}, "F") == "no template {"
