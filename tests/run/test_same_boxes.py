"""A box that has changed since the stored trials were made refuses the resumed run, with what changed."""

from __future__ import annotations

import pytest

from lab.errors import ConfigError
from lab.run.same_boxes import is_known
from tests.reporting import HIT, facts, run, trial

RUN = run(trial("a", "b", (HIT, HIT, HIT)))


def test_the_same_box_is_known_whatever_its_texts_count() -> None:
    assert is_known(facts("a", info="Server:\n Containers: 7\n"), RUN)


def test_a_box_or_an_engine_that_the_run_did_not_reach_is_new() -> None:
    assert not is_known(facts("c"), RUN)
    assert not is_known(facts("a", "28.5.2"), RUN)


def test_every_fact_that_differs_is_named() -> None:
    changed = facts("a", kernel="6.1.0", security=("seccomp", "selinux"), sums={"dockerd": "ab" * 32})
    with pytest.raises(ConfigError) as caught:
        is_known(changed, RUN)
    assert caught.value.message == (
        f"cannot resume {RUN.name} on a with 19.03.8: the box has changed: kernel 3.10.0-1127.el7.x86_64 -> 6.1.0; "
        "security seccomp -> seccomp, selinux; sums unknown -> dockerd abababababab"
    )
