"""kaniko's log: what a command did is told by its lookup, or by what is printed after it."""

from __future__ import annotations

import pytest

from lab.buildkit.progress.reader import read_builds
from lab.model import Outcome

HIT, RAN, UNKNOWN = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN
STAGE = "Building stage 'a' [idx: '0', base-idx: '-1']"
EXTRACTING, SNAPSHOT = "Found cached layer, extracting to filesystem", "Taking snapshot of full filesystem..."
END = "Pushed registry.example.org/app@sha256:" + "5" * 64


def outcomes(*lines: str) -> dict[str, Outcome]:
    [build] = read_builds("".join(f"INFO[{number:04}] {line}\n" for number, line in enumerate(lines)))
    return {step.instruction: step.outcome for step in build.steps if not step.instruction.startswith("FROM ")}


@pytest.mark.parametrize("after", [SNAPSHOT, "No files were changed, appending empty layer to config.", "RUN other"])
def test_a_command_that_is_not_looked_up_was_run(after: str) -> None:
    assert outcomes(STAGE, "COPY . .", after, END)["COPY . ."] is RAN


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (EXTRACTING, HIT),
        (SNAPSHOT, RAN),
        ("Pushing layer registry.example.org/cache:1 to cache now", RAN),
        (END, UNKNOWN),
    ],
)
def test_without_the_beginning_of_the_log_what_follows_a_command_proves_its_outcome(
    after: str, outcome: Outcome
) -> None:
    opening = "Unpacking rootfs as cmd COPY . . requires it."
    assert outcomes(opening, "RUN npm ci", after)["RUN npm ci"] is outcome
    assert outcomes(opening, "RUN npm ci", after, "RUN make", SNAPSHOT)["RUN npm ci"] is outcome


def test_a_lookup_counts_for_the_command_that_it_names_alone() -> None:
    hit, miss = "Using caching version of cmd: RUN one", "No cached layer found for cmd RUN two"
    found = outcomes(STAGE, hit, miss, "RUN one", EXTRACTING, "RUN two", SNAPSHOT, "RUN three", SNAPSHOT)
    assert found == {"RUN one": HIT, "RUN two": RAN, "RUN three": RAN}


def test_a_command_of_which_kaniko_keeps_no_layer_is_no_hit() -> None:
    """The line is of a later command, which the log has lost."""
    hit = "Using caching version of cmd: RUN one"
    assert outcomes(STAGE, hit, "WORKDIR /src", EXTRACTING, END)["WORKDIR /src"] is not HIT


@pytest.mark.parametrize("opening", [STAGE, "Unpacking rootfs as cmd COPY . . requires it."])
def test_a_cached_layer_after_a_gap_may_be_of_another_command(opening: str) -> None:
    cut = f"INFO[0001] {opening}\nINFO[0002] RUN one\n...\nINFO[0009] {EXTRACTING}\n"
    [build] = read_builds(cut + f"INFO[0010] RUN two\nINFO[0011] {SNAPSHOT}\n")
    found = {step.instruction: step.outcome for step in build.steps if step.instruction.startswith("RUN ")}
    assert found == {"RUN one": UNKNOWN, "RUN two": RAN}
