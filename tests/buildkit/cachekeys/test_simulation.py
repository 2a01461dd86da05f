"""What the solver loads, runs and leaves alone, in graphs and caches built by hand."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.cachekeys.cache import Cache, Link, Record
from lab.buildkit.cachekeys.graph import Input, Vertex
from lab.buildkit.cachekeys.simulation import Simulation, simulate


def solved(vertices: Sequence[Vertex], *caches: Cache, hopeful: bool = True) -> Simulation:
    return simulate(caches, vertices, len(vertices) - 1, hopeful=hopeful)


def files(vertex: int, content: str | None = None) -> Input:
    return Input(vertex, "files", hashed=True, content=content)


# base -> make -> (its files) copy onto base -> last
BUILDER = (
    Vertex(None, roots=("base",)),
    Vertex("make", (Input(0),)),
    Vertex("copy", (Input(0), files(1))),
    Vertex("last", (Input(2),)),
)


def inline(*, make: str = "make", last: str = "last") -> Cache:
    """As an inline cache has it: no layer of the builder."""
    return Cache(
        (
            Record("base", (), (0,), True),
            Record(make, ((Link(0),),)),
            Record("content"),
            Record("copy", ((Link(0),), (Link(1, "files"), Link(2))), (1,), True),
            Record(last, ((Link(3),),), (2,), True),
        )
    )


def test_a_builder_is_not_needed_if_what_copies_from_it_is_found() -> None:
    found = solved(BUILDER, inline())
    assert (found.ran, found.loaded) == (set(), {3})


def test_the_last_step_alone_runs_if_it_alone_changed() -> None:
    found = solved(BUILDER, inline(last="other"))
    assert (found.ran, found.loaded) == ({3}, {2})


def test_a_changed_builder_runs_and_its_files_decide() -> None:
    best, worst = (solved(BUILDER, inline(make="other"), hopeful=hopeful) for hopeful in (True, False))
    assert (best.ran, worst.ran) == ({1}, {1, 2, 3})
    known = (*BUILDER[:2], Vertex("copy", (Input(0), files(1, "content"))), BUILDER[3])
    assert solved(known, inline(make="other"), hopeful=False).ran == {1}


def test_nothing_is_loaded_without_a_cache() -> None:
    assert solved(BUILDER).ran == {1, 2, 3}


def test_operations_that_must_not_be_looked_up() -> None:
    ignored = (*BUILDER[:2], Vertex("copy", BUILDER[2].inputs, ignored=True), BUILDER[3])
    assert solved(ignored, inline(), hopeful=False).ran == {1, 2, 3}


def test_chains_of_two_caches_do_not_join() -> None:
    first, second = Cache(inline().records[:4]), Cache((Record("base"), Record("last", ((Link(0),),), (0,), True)))
    found = solved(BUILDER, first, second)
    assert (found.ran, found.loaded) == ({3}, {2})
    assert solved(BUILDER, second, inline()).ran == set()


def test_records_are_searched_only_as_far_as_they_are_needed() -> None:
    """Observed on 20.10.24: the stage whose files are copied is not run, though its content would say the same.

    A mount of the context hides the records of what follows, so that both stages are asked for more than their first
    records.
    """
    context = Vertex(None)
    mount = Input(1, "m", hashed=True, content="m")
    vertices = (
        Vertex(None, roots=("base",)),
        context,
        Vertex("add", (Input(0), Input(1, "a", hashed=True, content="a"))),  # the other stage
        Vertex("run", (Input(0), mount)),
        Vertex("copy", (Input(3), files(2))),
        Vertex("last", (Input(0), Input(4, "bin", hashed=True))),
    )
    cache = Cache(
        (
            Record("base", (), (0,), True),
            Record("a"),
            Record("m"),
            Record("add", ((Link(0),), (Link(1),))),
            Record("run", ((Link(0),), (Link(2),))),
            Record("content"),
            Record("copy", ((Link(4),), (Link(3, "files"), Link(5)))),
            Record("last", ((Link(0),), (Link(6, "bin"),)), (1,), True),
        )
    )
    found = solved(vertices, cache, hopeful=False)
    assert (found.ran, found.loaded) == (set(), {5})


def test_a_long_chain() -> None:
    count = 3000
    chain = (Vertex(None, roots=("base",)), *(Vertex(f"run {number}", (Input(number),)) for number in range(count)))
    assert len(solved(chain, inline()).ran) == count
