"""The times of all vertexes of a build, as each form of its output states them."""

from __future__ import annotations

import pytest

from lab.buildkit.progress.durations import MOST_SPANS, Durations, Span, VertexTimes, covered
from lab.buildkit.progress.reader import Reader

PLAIN = """\
#1 [internal] load build definition from Dockerfile
#1 DONE 0.1s

#2 resolve image config for docker.io/docker/dockerfile:1
#2 DONE 0.5s

#4 [2/3] RUN echo foo
#4 pulling sha256:0f409b518f31 0.9s done
#4 pulling sha256:a042c07e8d95 1.0s done
#4 CACHED

#5 [internal] load build context
#5 DONE 0.0s

#5 [internal] load build context
#5 transferring context: 34B 0.1s done
#5 DONE 0.5s

#6 [3/3] RUN make
#6 0.110 #6 DONE 9.0s
#6 DONE 2.5s
"""


def times(text: str) -> list[tuple[VertexTimes, ...]]:
    reader = Reader()
    reader.feed(text)
    reader.flush()
    assert len(reader.times) == len(reader.builds)
    return reader.times


def test_plain_output_gives_each_vertex_with_all_its_ends_and_layers() -> None:
    [found] = times(PLAIN)
    assert [(one.name, one.seconds, one.layers) for one in found] == [
        ("[internal] load build definition from Dockerfile", 0.1, 0.0),
        ("resolve image config for docker.io/docker/dockerfile:1", 0.5, 0.0),
        ("[2/3] RUN echo foo", 0.0, 1.0),
        ("[internal] load build context", 0.5, 0.0),
        ("[3/3] RUN make", 2.5, 0.0),
    ]
    assert found[3].spans == (Span(0.0), Span(0.5))


def test_a_prefix_of_every_line_and_two_builds_change_nothing() -> None:
    again = PLAIN.replace("make", "other").replace("2.5s", "3.5s")
    prefixed = "".join(f"2026-01-02T03:04:05.1Z {line}\n" for line in PLAIN.splitlines())
    assert times(prefixed) == times(PLAIN)
    first, second = times(f"{PLAIN}\n$ docker build .\n{again}")
    assert (first[-1].seconds, second[-1].name, second[-1].seconds) == (2.5, "[3/3] RUN other", 3.5)


def test_builds_that_are_printed_at_once_have_no_times() -> None:
    both = "#1 [internal] load build definition from Dockerfile\n#1 [internal] load build definition from Dockerfile\n"
    [found] = times(f"{both}#1 DONE 0.1s\n#1 DONE 0.2s\n")
    assert found == ()


def test_rawjson_gives_starts_and_ends() -> None:
    vertex = (
        '{"vertexes":[{"digest":"sha256:2","name":"[2/2] RUN a","started":"1970-01-01T00:00:0%dZ",'
        '"completed":"1970-01-01T00:00:0%dZ"}]}\n'
    )
    layer = (
        '{"statuses":[{"id":"extracting sha256:0f409b518f31","vertex":"sha256:2","started":"1970-01-01T00:00:01Z",'
        '"completed":"1970-01-01T00:00:02.5Z"}]}\n'
    )
    [[found]] = times(vertex % (1, 3) + vertex % (2, 6) + layer)
    assert found.spans == (Span(2.0, 1.0, 3.0), Span(4.0, 2.0, 6.0))
    assert (found.name, found.seconds, found.layers) == ("[2/2] RUN a", 5.0, 1.5)


def test_a_screen_gives_the_last_time_of_each_row() -> None:
    screen = "[+] Building 1.2s (2/2) FINISHED\n => [internal] load build definition from Dockerfile   0.4s\n"
    [found] = times(f"{screen} => [1/1] RUN a   1.1s\n")
    assert [(one.name, one.seconds) for one in found] == [
        ("[internal] load build definition from Dockerfile", 0.4),
        ("[1/1] RUN a", 1.1),
    ]


def test_the_classic_builder_prints_no_times() -> None:
    assert times("Step 1/1 : FROM alpine\n ---> 0f409b518f31\nSuccessfully built 0f409b518f31\n") == [()]


def test_the_number_of_spans_is_bounded_and_the_longest_time_is_not_lost() -> None:
    durations = Durations()
    durations.meet(1, "[1/1] RUN a")
    for seconds in range(2 * MOST_SPANS):
        durations.end(1, float(seconds))
    [found] = durations.all()
    assert len(found.spans) == MOST_SPANS
    assert found.seconds == 2 * MOST_SPANS - 1


def test_a_vertex_that_was_never_named_has_no_end() -> None:
    durations = Durations()
    durations.end(1, 2.0)
    durations.layer(1, 2.0)
    assert durations.all() == ()


@pytest.mark.parametrize(
    ("spans", "whole"), [([], 0.0), ([(0, 2), (1, 3)], 3.0), ([(5, 6), (0, 2)], 3.0), ([(0, 9), (1, 2)], 9.0)]
)
def test_covered_time_counts_no_moment_twice(spans: list[tuple[float, float]], whole: float) -> None:
    assert covered(spans) == whole
