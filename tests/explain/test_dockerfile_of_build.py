"""Which Dockerfile a build of a run used: the one that --file names, up to the end of its target."""

from __future__ import annotations

import pytest

from lab.buildkit.contenthash.entry import file
from lab.explain.subject import subject
from lab.results.contexts import pack
from lab.results.facts import Given
from lab.results.run import load
from tests.explain.builds import BOOK
from tests.reporting import RUNS

RUN = load(RUNS / "explained")
OWN = "FROM a AS one\nRUN x\nFROM one\nRUN y\n"


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ((), "FROM root\n"),
        (("--file=docker/D",), OWN),
        (("--file=docker/D", "--target=one"), "FROM a AS one\nRUN x\n"),
        (("--file=docker/D", "--target=none"), OWN),  # the build has failed: nothing depends on the text
        (("--file=../recipe/Dockerfile",), RUN.dockerfile),
        (("--file=gone",), RUN.dockerfile),
    ],
)
def test_the_dockerfile_that_was_built(flags: tuple[str, ...], text: str) -> None:
    packed = pack([file("Dockerfile", b"FROM root\n"), file("docker/D", OWN.encode())], None, [])
    trial = RUN.trials[0].model_copy(update={"context": packed.key, "options": Given(flags=flags)})
    run = RUN.model_copy(update={"contexts": {packed.key: packed.context}, "contents": packed.contents})
    assert subject(run, trial, BOOK).dockerfile == text
