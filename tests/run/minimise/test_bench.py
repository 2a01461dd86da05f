"""What is read of two trials; tests/test_minimise_vm.py has the engines."""

from __future__ import annotations

import pytest

from lab.model import Outcome
from lab.run.minimise.bench import Seen
from lab.run.minimise.candidate import Difference

HIT, RAN = Outcome.HIT, Outcome.RAN


@pytest.mark.parametrize(
    ("reference", "subject", "wanted"),
    [
        ((HIT, HIT), (HIT, HIT), ()),
        ((HIT, HIT), (HIT, RAN), (Difference("RUN", HIT, RAN),)),
        ((HIT, HIT), (RAN, RAN), (Difference("COPY", HIT, RAN), Difference("RUN", HIT, RAN))),
        ((RAN, RAN), (RAN, HIT), (Difference("RUN", RAN, HIT),)),
    ],
)
def test_the_differences_of_steps(
    reference: tuple[Outcome, ...], subject: tuple[Outcome, ...], wanted: tuple[Difference, ...]
) -> None:
    assert Seen(steps=("COPY a a", "RUN x"), reference=reference, subject=subject).differences == wanted


def test_what_was_seen_in_words() -> None:
    seen = Seen(steps=("COPY a a",), reference=(HIT,), subject=(RAN,))
    assert str(seen) == "COPY a a: hit without, ran with the difference"
    assert not Seen(problem="the build failed").differences
    assert str(Seen(problem="the build failed")) == "the build failed"
