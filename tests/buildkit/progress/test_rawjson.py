"""The traps of the rawjson form, one test each."""

from __future__ import annotations

import json

import pytest

from lab.buildkit.progress.build import Build, Step
from lab.buildkit.progress.reader import read_builds
from lab.model import Outcome

H, R, E, U, B = Outcome.HIT, Outcome.RAN, Outcome.ERROR, Outcome.UNKNOWN, Outcome.BASE
HEAD = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#2 [1/3] FROM alpine\n#2 DONE 0.0s\n\n"
WHOLE = HEAD + "#3 [2/3] RUN a\n#3 CACHED\n\n#4 exporting to image\n#4 DONE 0.0s\n"


def only(text: str | bytes) -> Build:
    [build] = read_builds(text)
    return build


def outcomes(build: Build) -> list[Outcome]:
    return [step.outcome for step in build.steps]


def status(**kinds: list[dict[str, object]]) -> str:
    return json.dumps(kinds) + "\n"


def vertex(digest: str, name: str, started: int = 0, completed: int = 0, **more: object) -> dict[str, object]:
    times = {"started": started, "completed": completed}
    stamps = {key: f"2026-01-02T03:04:{second:02}.123456789Z" for key, second in times.items() if second}
    return {"digest": digest, "name": name, **stamps, **more}


RUN = "[2/2] RUN a"
LOADED = status(vertexes=[vertex("d", "[internal] load build definition from Dockerfile", 1, 2)])


def test_vertexes_complete_and_start_again() -> None:
    planned = LOADED + status(vertexes=[vertex("a", RUN)])
    ran = planned + status(vertexes=[vertex("a", RUN, 2, 3), vertex("a", RUN, 4)])
    assert only(planned).steps == (Step(None, 2, 2, "RUN a", U),)
    assert only(ran).steps == (Step(None, 2, 2, "RUN a", U),)
    again = ran + status(vertexes=[vertex("a", RUN, 4, 6)])
    assert only(again).steps == (Step(None, 2, 2, "RUN a", R, 2.0),)
    # A vertex that is announced once more, without a state, keeps the one it had.
    assert only(again + status(vertexes=[vertex("a", RUN)])) == only(again)


def test_cached_counts_once_it_is_completed() -> None:
    pulling = LOADED + status(vertexes=[vertex("a", RUN, 2, cached=True)])
    assert outcomes(only(pulling)) == [U]
    assert outcomes(only(pulling + status(vertexes=[vertex("a", RUN, 2, 5, cached=True)]))) == [H]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [("process x: exit code: 1", E), ("x: exit code: 137: context canceled: context canceled", U)],
)
def test_errors_in_rawjson(error: str, outcome: Outcome) -> None:
    assert outcomes(only(LOADED + status(vertexes=[vertex("a", RUN, 2, 3, error=error)]))) == [outcome]


def test_both_layouts_say_the_same() -> None:
    objects = [
        {"vertexes": [vertex("d", "[internal] load build context", 1), vertex("a", RUN, 2, 3, cached=True)]},
        {"statuses": [{"id": "transferring context:", "vertex": "d", "name": "transferring", "current": 1234567}]},
        {"logs": [{"vertex": "a", "stream": 1, "data": "e30K", "timestamp": "x"}], "warnings": None},
    ]
    lines = "".join(json.dumps(value) + "\n" for value in objects)
    indented = "".join(json.dumps(value, indent=2) + "\n" for value in objects)
    together = "".join(json.dumps(value) for value in objects)
    assert read_builds(lines) == read_builds(indented) == read_builds(together)
    assert read_builds(indented.replace("\n", "\r\n")) == read_builds(lines)
    assert read_builds("".join(f"> {line}\n" for line in indented.splitlines())) == read_builds(lines)
    assert only(lines).context_bytes == 1234567


def test_rawjson_builds_are_told_apart() -> None:
    one = LOADED + status(vertexes=[vertex("a", RUN, 2, 3)])
    two = one.replace('"d"', '"e"').replace('"completed"', '"cached": true, "completed"')
    assert [outcomes(build) for build in read_builds(one + two)] == [[R], [H]]
    assert [outcomes(build) for build in read_builds(one + "$ docker build .\n" + two)] == [[R], [H]]
    # An external frontend loads the Dockerfile once more before it knows the steps.
    assert len(read_builds(LOADED + LOADED.replace('"d"', '"e"') + one)) == 1


def test_json_that_is_cut_loses_one_object_only() -> None:
    whole = LOADED + status(vertexes=[vertex("a", RUN, 2, 3, cached=True)])
    indented = json.dumps(json.loads(LOADED), indent=2)
    for cut in (LOADED[:40] + "\n", indented[:30] + "\n", '{\n  "vertexes": [\n', "{ not json\n"):
        assert outcomes(only(cut + whole)) == [H]
        assert outcomes(only(cut + "$ docker build .\n" + WHOLE)) == [B, H]
    assert outcomes(only(WHOLE + '{\n  "a": [\n')) == [B, H]


@pytest.mark.parametrize(
    "value",
    [
        {"vertexes": [None, 3, {"digest": 1, "name": 2}, {"digest": "x"}]},
        {"vertexes": [{"digest": "x", "name": RUN, "started": 5, "completed": [], "error": 7}]},
        {"vertexes": [{"digest": "x", "name": RUN, "started": "soon", "completed": "2026-01-02T03:04:05"}]},
        {"statuses": [{"id": 1, "vertex": None, "current": "x"}, None], "logs": {}},
    ],
)
def test_strange_json_is_not_refused(value: dict[str, object]) -> None:
    assert all(step.outcome is not H for build in read_builds(json.dumps(value)) for step in build.steps)


def test_deep_json_is_not_refused() -> None:
    assert read_builds('{"a":' * 100_000 + "}" * 100_000 + "\n") == []
