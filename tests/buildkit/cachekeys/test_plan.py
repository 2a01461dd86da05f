"""Plans of whole builds: options, targets, named contexts and triggers."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.cachekeys.step import Plan
from tests.vectors import BOOK

BASE = BaseImage(("sha256:a",), ("sha256:b",), env=("PATH=/x",), onbuild=("RUN trigger", "ENV T=1"))


def planned(text: str, engine: str = "28.5.2", options: Options | None = None, target: str | None = None) -> Plan:
    def content(copy: Copy) -> str:
        return f"content of {copy.origin or 'the context'}"

    bases = {"base": BASE, "plain": BaseImage(("sha256:c",), ("sha256:d",), env=("PATH=/x",))}
    return plan(parse(text), bases, BOOK.need(engine).dialect, content, options, target)


def test_triggers_of_an_image_come_first_and_their_variables_last() -> None:
    steps = planned("FROM base AS one\nRUN a\nFROM one\nRUN b\n").steps
    assert [step.text for step in steps] == ["RUN trigger", "RUN a", "RUN b"]  # once, not again in the next stage
    assert steps[0].printed == "ONBUILD RUN trigger"
    assert planned("FROM base\nRUN a\n", "26.1.5").steps[0].printed == "RUN trigger"


def test_a_target_leaves_out_what_it_does_not_need() -> None:
    text = "FROM plain AS one\nRUN a\nFROM plain AS two\nRUN b\n"
    assert [step.text for step in planned(text, target="one").steps] == ["RUN a"]
    assert [step.text for step in planned(text).steps] == ["RUN b"]


def test_files_of_a_named_context() -> None:
    text = "FROM plain\nCOPY --from=more a /a\nCOPY b /b\n"
    steps = planned(text, options=Options(contexts={"more": "./more"})).steps
    assert [step.content for step in steps] == ["content of more", "content of the context"]


def test_stages_that_ignore_the_cache() -> None:
    text = "FROM plain AS one\nRUN a\nWORKDIR /w\nFROM one AS two\nCOPY b /b\n"
    made = planned(text, options=Options(no_cache=("ONE",)))
    assert [made.vertices[step.vertices[-1]].ignored for step in made.steps] == [True, False, False]
    made = planned(text, options=Options(no_cache=("",)))
    assert [made.vertices[step.vertices[-1]].ignored for step in made.steps] == [True, False, True]


def test_a_frontend_that_the_dockerfile_names() -> None:
    text = "FROM plain\nCOPY --link a /a\nRUN <<E\nx\nE\n"
    options = Options(merges=False)
    own = [step.record for step in planned(text, "28.5.2", options).steps]
    assert [step.record for step in planned(f"# syntax=docker/dockerfile:1.19\n{text}", options=options).steps] == own
    by_argument = Options(merges=False, build_args={"BUILDKIT_SYNTAX": "docker/dockerfile:master"})
    assert all(step.unclear for step in planned(text, options=by_argument).steps)


@pytest.mark.parametrize(
    ("merges", "chown", "unclear"),
    [
        (None, "", "how --link is built"),
        (True, "--chown=app", "owner's name"),
        (True, "--chown=5", None),
        (False, "", None),
    ],
)
def test_links(merges: bool | None, chown: str, unclear: str | None) -> None:
    [step] = planned(f"FROM plain\nCOPY --link {chown} a /a\n", options=Options(merges=merges)).steps
    assert (step.unclear is None) == (unclear is None) and (unclear or "") in (step.unclear or "")


def test_a_copy_whose_definition_is_not_known_takes_all_its_sources() -> None:
    found = planned("FROM plain\nCOPY --link a b /x/\n", options=Options(merges=None))
    requests = [item.request for vertex in found.vertices for item in vertex.inputs if item.request]
    assert [request.sources for request in requests] == [("a", "b")]


def test_the_same_image_is_one_vertex_where_the_frontend_names_its_digest() -> None:
    text = "FROM plain\nCOPY --from=plain /a /b\n"
    counts = {engine: len(planned(text, engine).vertices) for engine in ("20.10.24", "26.1.5")}
    assert counts == {"20.10.24": 3, "26.1.5": 2}
