"""Whatever stands before every line changes nothing: any prefix from a grammar, before recorded logs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from lab.buildkit.progress.reader import read_builds
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "progress"
# The commands of `session` and the text of bug reports stand between the builds.
RECORDINGS = {
    str(path.relative_to(DATA)): path.read_bytes().decode().removesuffix("\n")
    for path in sorted(DATA.rglob("*.txt"))
    if path.stat().st_size < 30_000
}
Part = Callable[[int], str]

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def clock(number: int) -> str:
    return f"{8 + number // 3600 % 12:02}:{number // 60 % 60:02}:{number % 60:02}"


TIMES: list[Part] = [
    lambda n: f"2024-05-22T{clock(n)}.{n * 7919 % 1_000_000:06}Z",
    lambda n: f"2024-05-22T{clock(n)}Z",
    lambda n: f"2024-05-22 {clock(n)},{n % 1000:03}",
    lambda n: f"2024-05-22T{clock(n)}+02:00",
    lambda n: f"2024/05/22 {clock(n)}",
    lambda n: f"2024-May-22 {clock(n)}.{n % 1_000_000:06}",
    lambda n: f"22/May/2024:{clock(n)} +0000",
    lambda n: f"22-May-2024 {clock(n)}",
    lambda n: f"{MONTHS[n // 1800 % 12]} {n // 1800 % 28 + 1:2} {clock(n)}",
    lambda n: f"Wed, 22 May 2024 {clock(n)} GMT",
    lambda n: f"Wed May 22 {clock(n)} UTC 2024",
    lambda n: f"5/22/2024, {n // 3600 % 12 + 1}:{n // 60 % 60:02}:{n % 60:02} PM",
    lambda n: clock(n),
    lambda n: f"{clock(n)}.{n % 1000:03}",
    lambda n: f"{1_716_381_826 + n // 3}.{n * 37 % 100:02}",
    lambda n: str(1_716_381_826_000 + n * 17),
    lambda n: f"{n // 3}s",
    lambda n: f"+{n * 13}ms",
    lambda n: f"{n / 7:.3f}",
]
COUNTERS: list[Part] = [lambda n: f"{n + 1}", lambda n: f"{n + 1:6}", lambda n: f"{n * 3:05}"]
LEVELS: list[Part] = [lambda n: ["INFO", "WARN", "ERROR"][n // 5 % 3], lambda n: ["stdout", "stderr"][n % 2]]

words = st.from_regex(r"[A-Za-z][A-Za-z_-]{0,12}[A-Za-z]", fullmatch=True).filter(lambda word: "#" not in word)
constants = words.map(lambda word: lambda n: word)
parts = st.one_of(constants, st.sampled_from(TIMES), st.sampled_from(COUNTERS), st.sampled_from(LEVELS))
brackets = st.sampled_from(["{}", "[{}]", "({})", "<{}>", "{}:", '"{}"', "[{}]:", "{} |"])
joints = st.sampled_from([" ", "\t", " - ", "  ", ": ", " | "])
ends = st.sampled_from([" ", "\t", ": ", "  ", " | ", "> ", "] "])


@st.composite
def prefixes(draw: st.DrawFn) -> Part:
    chosen = draw(st.lists(st.tuples(parts, brackets), min_size=1, max_size=4))
    joint, end = draw(joints), draw(ends)

    def prefix(number: int) -> str:
        return joint.join(bracket.format(part(number)) for part, bracket in chosen) + end

    return prefix


def framed(text: str, prefix: Part) -> str:
    return "\n".join(prefix(number) + line for number, line in enumerate(text.split("\n")))


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(RECORDINGS)), prefix=prefixes())
def test_any_prefix_before_every_line_changes_nothing(name: str, prefix: Part) -> None:
    note(f"{name}: {[prefix(number) for number in range(8)]}")
    assert read_builds(framed(RECORDINGS[name], prefix)) == read_builds(RECORDINGS[name])


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("shape", ["{} ", "[{}] ", "{}\t", "<{}> ", "job\t{}\t", "build-1 | {} ", '"{}" '])
def test_every_form_of_time(time: Part, shape: str) -> None:
    for name in (
        "20.10.24/gist.plain.txt",
        "20.10.24/gist.classic.txt",
        "28.5.2/gist.tty.txt",
        "28.5.2/gist.rawjson.txt",
    ):
        text = framed(RECORDINGS[name], lambda number: shape.format(time(number)))
        assert read_builds(text) == read_builds(RECORDINGS[name])
