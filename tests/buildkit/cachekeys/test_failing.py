"""Dockerfiles that frontends reject while they make the operations: what Docker 20.10.24, 26.1.5 and 28.5.2 did."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import BaseImage, Options
from tests.vectors import BOOK

ENGINES = ("20.10.24", "26.1.5", "28.5.2")
ALL, NONE, NEWER, NEWEST = (True, True, True), (False,) * 3, (False, True, True), (False, False, True)
END = "FROM scratch\nCOPY f /f\n"  # a last stage that needs none of those before it


def failing(text: str, engine: str, bases: dict[str, BaseImage] | None = None) -> str | None:
    known = bases or {}
    return plan(parse(text), known, BOOK.need(engine).dialect, lambda copy: "x", Options(merges=False)).failing


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        (END, NONE),
        *(
            (f"FROM scratch\n{line}\n", ALL)
            for line in (
                *("ENV A=${B", 'ENV A="b', "ENV A='b", "ARG A=${B", "LABEL a=${B", 'LABEL a="b', "EXPOSE ${B"),
                *("STOPSIGNAL ${B", "VOLUME ${B", "USER ${B", "WORKDIR ${B", "COPY ${B f", "COPY ${} /f"),
                *("COPY --chown=${B f /f", "COPY https://x.example/a /f", "ENV X=a\nCOPY ${X!b} /f"),
                *("ENV X=a\nCOPY ${X=b} /f", "ENV X=a\nCOPY ${X:=b} /f"),
            )
        ),
        *((f"FROM scratch\n{line}\n", NONE) for line in ("CMD ${B", "HEALTHCHECK CMD ${B", "ONBUILD COPY ${B /f")),
        ("FROM ${V\nCOPY f /f\n", ALL),
        ("ARG V\nFROM ${V}\nCOPY f /f\n", ALL),
        (f"ARG V\nFROM ${{V}} AS a\n{END}", ALL),
        (f"ARG A=${{B\n{END}", NEWEST),
        (f"FROM scratch AS a\nCOPY ${{SRC f /f\n{END}", NONE),
        (f"FROM scratch AS a\nWORKDIR ${{B\n{END}", NONE),
        ("FROM scratch\nCOPY --chmod=rwx f /f\n", NEWEST),
        (f"FROM scratch AS a\nCOPY --chmod=rwx f /f\n{END}", NONE),
        ("FROM --platform=$P scratch\nCOPY f /f\n", ALL),
    ],
)
def test_words(text: str, fails: tuple[bool, ...]) -> None:
    """The words of a stage that is not needed are not expanded, but those of its FROM are."""
    assert tuple(failing(text, engine) is not None for engine in ENGINES) == fails


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("FROM scratch\nCOPY --from=0 f /f\n", ALL),
        (f"FROM scratch AS a\nCOPY --from=a f /f\n{END}", ALL),
        (f"FROM scratch AS a\nRUN --mount=type=bind,from=a,target=/x x\n{END}", ALL),
        (f"FROM scratch AS a\nCOPY --from=b f /f\nFROM scratch AS b\nCOPY --from=a f /f\n{END}", ALL),
        ("FROM scratch AS a\nCOPY f /f\nFROM scratch AS a\nCOPY --from=a f /f\n", ALL),
        ("FROM scratch AS a\nCOPY f /f\nFROM a AS A\nCOPY --from=a f /f\n", ALL),
        (f"FROM scratch AS a\nCOPY --from=7 f /f\n{END}", ALL),
        (f"FROM scratch AS a\nARG X=a\nCOPY --from=$X f /f\n{END}", ALL),
        (f"FROM scratch AS a\nCOPY f /f\nRUN --mount=type=bind,from=$X,target=/x x\n{END}", ALL),
        (f"FROM scratch AS a\nCOPY --from=b f /f\nFROM scratch AS b\nCOPY f /f\n{END}", NONE),
        ("FROM scratch AS a\nRUN --mount=from=b,target=/x x\nFROM scratch AS b\nCOPY f /f\nFROM a\nCOPY f /g\n", NEWER),
        (f"FROM scratch AS a\nRUN --network=foo x\n{END}", ALL),
    ],
)
def test_stages(text: str, fails: tuple[bool, ...]) -> None:
    """A stage that takes from itself fails though it is not needed; one that takes from a later one only if it is."""
    assert tuple(failing(text, engine) is not None for engine in ENGINES) == fails


@pytest.mark.parametrize(
    ("mount", "fails"),
    [
        ("type=bnd,target=/x", ALL),
        ("type=bind,tgt=/x", ALL),
        ("type=bind,target", ALL),
        ("type=bind,target=/", ALL),
        ("type=bind,target=/x,ro=maybe", ALL),
        ("type=bind,target=/x,mode=0755", ALL),
        ("type=bind,target=/x,sharing=shared", ALL),
        ("type=cache,target=/x,sharing=bad", ALL),
        ("type=cache,target=/x,mode=9", ALL),
        ("type=tmpfs,target=/x,uid=5", ALL),
        ("type=secret", ALL),
        ("type=$T,target=/x", (True, False, False)),
        ("type=bind,target=/x", NONE),
        ("type=bind", NONE),
    ],
)
def test_mounts(mount: str, fails: tuple[bool, ...]) -> None:
    text = f"FROM scratch\nARG T=bind\nWORKDIR /src\nCOPY f /f\nRUN --mount={mount} x\n"
    assert tuple(failing(text, engine) is not None for engine in ENGINES) == fails


def test_a_malformed_word_is_found_where_no_variable_is_known() -> None:
    assert failing('FROM b\nENV A="$B\nCOPY f /f\n', "26.1.5", {"b": BaseImage()}) is not None


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("flag", ["--mount=type=cache,target=/x,sharing=bad", "--mount=color=red", "--network=bad"])
def test_a_run_fails_for_its_flags_on_a_base_that_is_not_known(flag: str, engine: str) -> None:
    assert failing(f"FROM base\nRUN {flag} true\n", engine)


def test_nothing_fails_for_certain_under_a_frontend_that_lab_does_not_know() -> None:
    assert failing("# syntax=example.org/own\nFROM scratch\nCOPY ${B f\n", "28.5.2") is None
