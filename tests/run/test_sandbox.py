"""Templates that do not end, or that make too much: each is stopped with an error that names the file."""

from __future__ import annotations

import json
import resource
import sys
from datetime import UTC, datetime

import pytest

from lab.boxes.base import Command, Result
from lab.errors import ConfigError
from lab.run import rendering, sandbox
from lab.run.rendering import render

pytestmark = pytest.mark.slow

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


# Each takes gigabytes by operations of which every one is allowed, or by one that no rule of the sandbox names.
GREEDY = [
    "{% set n = namespace(a='x' * 8000000) %}{% for i in range(40) %}{% set n.a = n.a + n.a %}{% endfor %}"
    "{{ n.a | length }}",
    "{{ ('a' * 8000000).replace('a', 'b' * 8000000) | length }}",
    "{{ ('\\t' * 8000000).expandtabs(8000000) | length }}",
    "{{ ['x', 'x'] * 2000000 | join('y' * 8000000) | length }}",
    "{% set n = namespace(l=[]) %}{% for i in range(2000) %}{% set n.l = n.l + ['x' * 8000000 ~ i] %}{% endfor %}"
    "{{ n.l | length }}",
]


@pytest.mark.parametrize("text", GREEDY)
def test_the_memory_of_a_template_is_limited(text: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigError, match=r"cannot render F/Dockerfile\.j2"):
        render(text, {}, "F/Dockerfile.j2")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB: lab itself has not grown


def test_a_template_whose_process_the_kernel_ended_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(command: Command, *, chunks: object) -> Result:
        return Result(command, 137, b"", b"", datetime.now(UTC), 1.0)

    # patched: what a kernel ends, and when, differs from machine to machine
    monkeypatch.setattr(rendering, "run_process", killed)
    with pytest.raises(ConfigError, match=r"cannot render F: stopped.*it took more than 5 s, or too much memory"):
        render("{{ 1 + 1 }}", {}, "F")


def test_a_text_that_only_names_variables_needs_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(request: object) -> dict[str, object]:
        raise AssertionError("another process was started")

    monkeypatch.setattr(rendering, "_apart", refuse)
    assert render("FROM {{ base }}\n{% raw %}{{ x }}{% endraw %}{# y #}\n", {"base": "b"}, "F") == "FROM b\n{{ x }}\n"
    with pytest.raises(AssertionError):
        render("{{ base ~ 'x' }}", {"base": "b"}, "F")


def test_an_error_in_another_process_is_the_same_error() -> None:
    with pytest.raises(ConfigError, match=r"cannot render F: 'bass' is undefined.*base") as caught:
        render("{{ bass ~ 'x' }}", {"base": "b"}, "F")
    assert caught.value.hint == "known variables: base"
    with pytest.raises(ConfigError, match=r"cannot render F: .*by zero"):
        render("{{ 1 // 0 }}", {}, "F")
    with pytest.raises(ConfigError, match="unsafe"):
        render("{{ ''.__class__.__mro__ }}", {}, "F")


def test_the_program_answers_one_request() -> None:
    request = {"text": "{{ a * 2 }}", "variables": {"a": "x"}, "seconds": 5}
    assert sandbox.answer(json.dumps(request).encode()) == {"text": "xx"}


def test_a_text_of_very_many_tags_is_parsed_within_the_limits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(text: str, where: str) -> bool:
        raise AssertionError("parsed in this process")

    monkeypatch.setattr(rendering, "_is_plain", never)
    assert render("{{ a }}" * 1000, {"a": "x"}, "F/x") == "x" * 1000
    with pytest.raises(ConfigError, match="unexpected end of template"):
        render("{{ a }}" * 1000 + "{{ a", {"a": "x"}, "F/x")
    with pytest.raises(ConfigError, match=r"cannot render F/x: stopped.*more than"):
        render("{{ a }}" * 400_000, {"a": "x"}, "F/x")


def test_a_text_above_the_limit_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "LARGEST", 1000)
    with pytest.raises(ConfigError, match="stopped"):
        render("x" * 1001, {}, "F/x")
