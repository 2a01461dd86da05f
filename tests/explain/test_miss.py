"""A changed file is named as the cause however the Dockerfile writes the step that takes it.

The run is that of `test_steps.py`, whose COPY takes a file with an attribute that Docker 20.10.24 hashes.
"""

from __future__ import annotations

import pytest

from lab.explain.explanation import Role, StepCause
from tests.explain.test_steps import RUN, explanation, of

TRIAL = of("20.10.24", "user-xattr")
FROM, *_ = RUN.dockerfile.splitlines()
ATTRIBUTE = 'user.lab of bar is absent at the producer, "1" here'


def causes(text: str, *instructions: str) -> list[StepCause]:
    """What `explain` says of a rebuild by another Dockerfile, of which only the first step hit."""
    assert TRIAL.build
    named = zip(instructions, (TRIAL.build.steps[0], *TRIAL.build.steps[4 - len(instructions) :]), strict=True)
    steps = tuple(step.model_copy(update={"instruction": name}) for name, step in named)
    build = TRIAL.build.model_copy(update={"steps": steps})
    trial = TRIAL.model_copy(update={"build": build, "dockerfile": text})
    return list(explanation(trial, RUN.model_copy(update={"instructions": instructions})).steps)


@pytest.mark.parametrize("line", ["ARG NAME=bar", "ENV NAME=bar"])
def test_the_file_of_a_copy_with_a_variable_is_named(line: str) -> None:
    text = f"{FROM}\nRUN echo foo\n{line}\nCOPY ${{NAME}} bar\nRUN echo baz\n"
    found = causes(text, "RUN echo foo", "COPY ${NAME} bar", "RUN echo baz")
    assert found[1].role is Role.CAUSE and found[1].sentence.startswith(ATTRIBUTE)


def test_the_file_of_a_trigger_is_named_at_the_first_step_that_depends_on_it() -> None:
    text = f"{FROM} AS one\nRUN echo foo\nONBUILD COPY bar bar\nFROM one\nRUN echo baz\n"
    found = causes(text, "RUN echo foo", "RUN echo baz")
    assert (found[1].instruction, found[1].role) == ("RUN echo baz", Role.CAUSE)
    assert found[1].sentence.startswith(f"it depends on COPY bar bar, which missed: {ATTRIBUTE}")
