"""A snapshot of this machine holds the data of the engines that were there, and the first state is always there."""

from __future__ import annotations

from typing import cast

import pytest

from lab.engines.data_root import DataRoot
from lab.machines.local_snapshots import LocalSnapshots
from lab.machines.snapshots import PRISTINE


class Root:
    """The data of an engine: the names of its copies, and what it was set back to."""

    def __init__(self, *names: str) -> None:
        self.held = list(names)
        self.restored: list[str | None] = []

    def names(self) -> list[str]:
        return self.held

    def save(self, name: str) -> None:
        self.held.append(name)

    def restore(self, name: str | None) -> None:
        self.restored.append(name)

    def remove(self, name: str) -> None:
        self.held.remove(name)


def of(*roots: Root) -> LocalSnapshots:
    return LocalSnapshots([cast(DataRoot, root) for root in roots])


def test_the_first_state_is_made_anew() -> None:
    one, two = Root(), Root()
    shots = of(one, two)
    assert shots.names() == [PRISTINE]
    shots.restore(PRISTINE)
    assert (one.restored, two.restored) == ([None], [None])


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_snapshot_sets_back_and_removes_only_the_engines_that_it_holds(name: str) -> None:
    one, later = Root("a", "b"), Root("b")
    shots = of(one, later)
    assert shots.names() == [PRISTINE, "a", "b"]
    shots.restore(name)
    assert (one.restored, later.restored) == ([name], [name] if name == "b" else [])
    shots.remove(name)
    assert name not in shots.names()


def test_every_engine_is_saved() -> None:
    one, two = Root(), Root("a")
    of(one, two).save("b")
    assert (one.held, two.held) == (["b"], ["a", "b"])
