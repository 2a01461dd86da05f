"""A step that is printed with another text than the run has: the script finds it by its place, and only then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.report.script.script import script
from lab.report.script.sides import edits_dockerfile
from tests.report.test_script import LOG, SHELLS, file, perform, recorded


@pytest.mark.parametrize(("edited", "status"), [(True, 0), (False, 1)])
def test_an_edited_instruction_is_found_by_its_place(tmp_path: Path, edited: bool, status: int) -> None:
    made = recorded()
    about = made.run.trials[0].name
    text = made.run.dockerfile.replace("COPY bar", "COPY ./bar") if edited else made.run.dockerfile
    made = replace(made, contexts={about: (file("Dockerfile", text.encode()), file("bar", b"bar\n"))})
    assert edits_dockerfile(made, about) is edited
    log = LOG.replace("COPY bar", "COPY ./bar")
    assert perform(tmp_path, made, "b", "ghcr.io/you", log=log, text=script(made)).returncode == status


STAGES = "FROM alpine:3.11.6 AS build\nRUN echo 1\nRUN echo foo\nFROM build\nCOPY bar bar\nRUN echo baz\n"
OTHER = """\
#2 DONE 0.0s
#5 [build 2/3] RUN echo 1
#5 CACHED
#6 [build 3/3] RUN echo ./foo
#6 CACHED
#7 [stage-1 1/2] COPY bar bar
#7 DONE 0.1s
#8 [stage-1 2/2] RUN echo {last}
#8 DONE 0.1s
"""


@pytest.mark.parametrize("shell_name", SHELLS)
def test_an_edited_instruction_of_a_stage_is_found_by_its_place_in_it(tmp_path: Path, shell_name: str) -> None:
    made = recorded()
    made = replace(made, run=made.run.model_copy(update={"dockerfile": STAGES}))
    edited = STAGES.replace("echo foo", "echo ./foo")
    made = replace(made, contexts={made.run.trials[0].name: (file("Dockerfile", edited.encode()),)})
    log = OTHER.format(last="baz")
    done = perform(tmp_path, made, "b", "ghcr.io/you", log=log, text=script(made), shell_name=shell_name)
    assert done.returncode == 0, done.stdout
    assert "  same     in the run hit      here hit      RUN echo foo" in done.stdout


def test_equal_instructions_of_two_stages_are_told_apart(tmp_path: Path) -> None:
    made = recorded()
    text = STAGES.replace("echo 1", "echo baz")
    made = replace(made, run=made.run.model_copy(update={"dockerfile": text}))
    log = OTHER.format(last="baz").replace("echo 1", "echo baz").replace("./foo", "foo")
    done = perform(tmp_path, made, "b", "ghcr.io/you", log=log, text=script(made))
    assert done.returncode == 0, done.stdout  # the step of the build stage hit, that of the last stage ran


@pytest.mark.parametrize("printed", ["COPY bar bar", "RUN echo bar"])
def test_a_value_that_is_printed_for_a_variable(tmp_path: Path, printed: str) -> None:
    """The text of the run is `COPY $F bar`; another kind of instruction at its place is not taken for it."""
    steps = ("RUN echo foo", "COPY $F bar", "RUN echo baz")
    text = "\n".join(["FROM alpine:3.11.6", "ARG F=bar", *steps, ""])
    made = recorded()
    [trial] = made.run.trials
    assert trial.build
    renamed = tuple(
        step.model_copy(update={"instruction": name}) for step, name in zip(trial.build.steps, steps, strict=True)
    )
    trial = trial.model_copy(update={"build": trial.build.model_copy(update={"steps": renamed})})
    run = made.run.model_copy(update={"dockerfile": text, "instructions": steps, "trials": (trial,)})
    made = replace(made, run=run)
    log = LOG.replace("COPY bar bar", printed)
    found = perform(tmp_path, made, "b", "ghcr.io/you", log=log, text=script(made)).returncode
    assert found == (0 if printed.startswith("COPY") else 1)


def test_a_dockerfile_beside_the_context_is_compared_with_that_of_the_run() -> None:
    made = recorded()
    about = made.run.trials[0].name
    assert edits_dockerfile(made, about, "FROM other\n") is True
    assert edits_dockerfile(made, about, made.run.dockerfile) is False
