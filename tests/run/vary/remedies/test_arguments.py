"""A build argument is declared later only for the axis of build arguments, and where that is possible."""

from __future__ import annotations

from lab.run.vary.axis import Variant
from lab.run.vary.remedies.arguments import arguments
from lab.run.vary.remedies.candidate import Ground, Missed
from tests.run.vary.scenes import TEXT, scene


def test_the_argument_moves_in_both_texts() -> None:
    missed = [Missed("build-arg", Variant(""), "RUN one")]
    user = TEXT.replace("base:1", "alpine")
    [found] = arguments(Ground(scene(), user, missed))
    after = "FROM alpine\nENV A=1\nENV B=2\nRUN one\nCOPY src /src\nARG VERSION=1\nRUN two $VERSION\n"
    assert found.text_after == after
    assert found.dockerfile == after.replace("alpine", "base:1")


def test_a_proxy_that_is_declared_moves_too() -> None:
    text = "FROM base:1\nARG http_proxy\nRUN one\n"
    [found] = arguments(Ground(scene(text), text, [Missed("proxy", Variant(""), "RUN one")]))
    assert (found.name, found.axes) == ("http_proxy-later", ("proxy",))
    assert found.text_after == "FROM base:1\nRUN one\nARG http_proxy\n"


def test_no_remedy_for_another_axis() -> None:
    assert not list(arguments(Ground(scene(), TEXT, [Missed("mtime", Variant(""), "RUN one")])))
