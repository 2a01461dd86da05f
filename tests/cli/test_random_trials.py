"""`lab truth --random`: what it refuses before anything starts; tests/test_random_vm.py makes trials."""

from __future__ import annotations

import pytest

from tests.conftest import Lab

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--seed", "1"], "cannot use --seed or --store without --random"),
        (["--store", "x"], "cannot use --seed or --store without --random"),
        (["--random", "1", "--digests"], "cannot use --random with --digests"),
        (["--random", "1", "a-run"], "cannot use --random with --digests or with the name of a run"),
        (["--random", "0"], "--random"),
        (["--random", "1", "--seed", "-1"], "--seed"),
        (["--random", "1", "--engine", "26.1.6"], 'did you mean "26.1.5"?'),
        (["--random", "1", "--engine", "buildkit-0.25.2"], "its client is buildctl"),
        (["--random", "1", "--engine", "installed"], "cannot use installed for random trials"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_starts(checkout: Lab, words: list[str], text: str) -> None:
    said = checkout.run("truth", *words)
    assert said.code == 2, said.err
    assert text in " ".join(said.err.split())
