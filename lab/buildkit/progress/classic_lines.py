"""The shapes of the lines that the classic builder prints.

An arrow is optional: a web page that takes `--->` for markup leaves the words after it. Typography may have made the
dashes one long dash.
"""

from __future__ import annotations

import re
from dataclasses import replace

from lab.buildkit.progress.build import Step
from lab.model import Outcome

QUOTE = r"[ \t]*(?:>[ \t]+)*"
ARROW = r"(?:[-–—]{1,3}> ?)"
WORDS = (
    r"(?:FROM|RUN|CMD|LABEL|MAINTAINER|EXPOSE|ENV|ADD|COPY|ENTRYPOINT|VOLUME|USER|WORKDIR|ARG|ONBUILD|STOPSIGNAL|"
    r"HEALTHCHECK|SHELL)"
)
# What any line of the builder begins with: all others are decided at once.
HINT = re.compile(
    QUOTE + r"(?:[-–—]|Step |Sending |Using |Running |Remov|Success|The command |COPY |ADD |# |[0-9a-f]{12})"
)
CONTEXT = re.compile(QUOTE + r"Sending build context to Docker daemon(?:\s+(.*))?$", re.DOTALL)
# Before Docker 1.13 without a total.
STEP = re.compile(QUOTE + rf"Step (\d{{1,9}})(?:/(\d{{1,9}}) : (.*)| : ({WORDS}\b.*))", re.DOTALL | re.IGNORECASE)
CACHED = re.compile(QUOTE + rf"({ARROW})?Using cache\s*$")
RUNNING = re.compile(QUOTE + rf"({ARROW})?Running in ([0-9a-f]{{12}})\s*$")
# 17.03 to 20.10 `Removing intermediate container ID`; 23 on ` ---> Removed intermediate container ID`.
REMOVED = re.compile(QUOTE + rf"{ARROW}?Remov(?:ing|ed) intermediate container ([0-9a-f]{{12}})\s*$")
LAYER = re.compile(QUOTE + rf"({ARROW})?([0-9a-f]{{12}})\s*$")
BUILT = re.compile(QUOTE + r"Successfully built ([0-9a-f]{12,64})\s*$")
FAILED = re.compile(QUOTE + r"The command '(.*)' returned a non-zero code: \d+", re.DOTALL)
COPY_FAILED = re.compile(QUOTE + r"(?:COPY|ADD) failed: ")
TRIGGERS = re.compile(QUOTE + r"# Executing (\d{1,4}) build triggers?\b")
# What the daemon prints while it pulls a base image.
PULL = re.compile(
    r"[ \t]*(?:\S{1,200}: )?"
    r"(?:Pulling |Pull complete|Already exists|Verifying |Download|Waiting|Extracting|Digest: |Status: )"
)
STAGE = re.compile(r"FROM\s.*\sAS\s+(\S+)\s*$", re.IGNORECASE)
COPIES = re.compile(r"[ \t]*(?:COPY|ADD)\b", re.IGNORECASE)
GAP = "the log has a gap after the step, so the lines there may belong to a later one"
ORDER = "a line beside the step says that a step was cached, and the lines are not in order, so it may be this one"
TANGLED = "the lines after the step may belong to another build that was printed at the same time"
LATER = (Outcome.RAN, Outcome.ERROR)  # the outcomes that a line shows which may stand far below its step
SHAPES = (CONTEXT, STEP, CACHED, RUNNING, REMOVED, LAYER, BUILT, FAILED, COPY_FAILED, TRIGGERS)


def matches(line: str) -> bool:
    """Whether the line has one of the shapes that the classic builder prints."""
    return HINT.match(line) is not None and any(shape.match(line) for shape in SHAPES)


def removed_container(line: str) -> str:
    """The ID of the container that the line says is removed, or an empty string."""
    found = REMOVED.match(line)
    return found[1] if found else ""


def doubted(last: Step, before: int, total: int) -> Step:
    """The last step, unknown where a gap up to the step `before` of `total` may hold the one that its lines are of.

    A line that shows a hit stands beside its step, so a hit stays one.
    """
    if last.total == total and last.index < before and last.outcome in LATER:
        return replace(last, outcome=Outcome.UNKNOWN, reason=GAP)
    return last


def tangled(step: Step) -> Step:
    """The step as it is known where several builds print at once: unknown, except a base."""
    return step if step.outcome is Outcome.BASE else replace(step, outcome=Outcome.UNKNOWN, reason=TANGLED)


def step_of(line: str) -> tuple[int, int, str] | None:
    """The number, the total (0 if none is printed) and the instruction of a line that begins a step, or None."""
    found = STEP.match(line)
    if found is None:
        return None
    return int(found[1]), int(found[2] or 0), (found[3] if found[2] else found[4]).rstrip()
