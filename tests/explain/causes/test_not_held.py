"""A step whose key is in an inline cache that holds no layer of it: tests/explain/test_two_stages.py has a real one."""

from __future__ import annotations

from lab.explain.causes.not_held import ADVICE, cause
from lab.explain.explanation import Role
from lab.explain.miss import Miss
from lab.explain.predict import decisions
from lab.explain.subject import subject
from lab.explain.upstream import Upstream
from tests.conftest import ROOT
from tests.explain.builds import BOOK
from tests.explain.test_two_stages import stored

UPSTREAM = Upstream(ROOT / "boxes")


def test_the_stage_is_named_and_mode_max_advised() -> None:
    run, trial = stored("crlf")
    about = subject(run, trial, BOOK)
    made = decisions(about)
    assert not isinstance(made, str)
    found = {item.step.text: cause(Miss(about, UPSTREAM, item.step.text, item)) for item in made}
    step = found["WORKDIR /src"]
    assert step and step.role is Role.NOT_HELD
    assert "a step of stage build runs wherever its result is needed" in step.sentence
    assert step.advice == ADVICE and "mode=max" in ADVICE
    assert found["COPY package.json ./"] is None  # its files are not in the cache
    assert found["WORKDIR /app"] is None  # it is of the image itself
