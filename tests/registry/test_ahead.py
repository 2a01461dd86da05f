"""The registry that is started while boxes are brought up; the real program serves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.errors import BoxError, HostError, RegistryError
from lab.registry.ahead import Ahead
from lab.registry.server import doors
from lab.registry.serving import status
from tests.registry.test_server import free_port, quiet, taken


class Elsewhere(LocalBox):
    """A box that is another machine, on which something listens on these ports."""

    is_here = False

    def __init__(self, name: str, *listens: int) -> None:
        super().__init__(name)
        self.listens = listens

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        listens = any(command.argv[-1].endswith(f"/{port}") for port in self.listens)
        return super().execute(Command(("true",) if listens else ("false",)), on_output)


class Behind(Elsewhere):
    """A box whose forwards are noted; `fails` refuses them, and one waits until `may` is set."""

    def __init__(self, name: str, *listens: int, fails: bool = False) -> None:
        super().__init__(name, *listens)
        self.fails = fails
        self.doors: list[str] = []
        self.may = threading.Event()
        self.may.set()

    @contextmanager
    def registry_door(self, box_port: int, host_port: int) -> Iterator[None]:
        assert box_port == host_port
        self.may.wait(20)
        if self.fails:
            raise BoxError("something listens there")
        self.doors.append(f"open {host_port}")
        yield
        self.doors.append("closed, the registry " + ("serves" if registries() else "has ended"))


@contextmanager
def begun(state: Path, port: int | None = None) -> Iterator[Ahead]:
    ahead = Ahead(port, quiet, state)
    try:
        yield ahead
    finally:
        ahead.close()


def registries() -> set[int]:
    """The registry programs that this process started."""
    return {child.pid for child in psutil.Process().children(recursive=True) if "registry" in child.name()}


def test_a_run_gets_the_registry_that_was_started(tmp_path: Path) -> None:
    with begun(tmp_path) as ahead, ahead.serving([LocalBox("here"), Elsewhere("there")]) as registry:
        assert registry.port and status(registry.port, registry.credentials) == 200
        assert len(registries()) == 1
    assert registries() == set()
    assert isinstance(status(registry.port, registry.credentials), str)  # it does not answer any more


def test_a_port_that_a_box_uses_is_left_for_another_one(tmp_path: Path) -> None:
    with begun(tmp_path) as first, first.serving([]) as registry:
        chosen = registry.port
    assert chosen
    with begun(tmp_path) as ahead, ahead.serving([Elsewhere("there", chosen)]) as registry:
        assert registry.port not in (None, chosen)
        assert registry.port and status(registry.port, registry.credentials) == 200
        assert len(registries()) == 1  # the first one has ended
    assert registries() == set()


def test_a_port_that_was_asked_for_is_not_left(tmp_path: Path) -> None:
    port = free_port()
    with begun(tmp_path, port) as ahead, ahead.serving([Elsewhere("there", port)]) as registry:
        assert registry.port == port  # the forward to the box says what is wrong


def test_a_port_that_is_taken_is_an_error_of_the_run_and_not_of_the_boxes(tmp_path: Path) -> None:
    problem = "cannot serve the registry on port"
    with taken() as port, begun(tmp_path, port) as ahead, pytest.raises(HostError, match=problem), ahead.serving([]):
        raise AssertionError("the context must not begin")


def test_boxes_that_do_not_come_up_leave_no_registry(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="a box"), begun(tmp_path):
        raise RegistryError("a box did not come up")
    assert registries() == set()


def test_a_box_that_is_reached_is_shown_the_registry_at_once_and_only_once(tmp_path: Path) -> None:
    box, other = Behind("there"), Behind("other")
    with begun(tmp_path) as ahead:
        ahead.show_to(box)
        ahead.show_to(LocalBox("here"))  # needs no forward
        with ahead.serving([box, other]) as registry, doors(registry, [box, other]):
            assert registry.shown == {"there"}
            assert box.doors == other.doors == [f"open {registry.port}"]
        assert len(other.doors) == 2
    assert box.doors[1:] == other.doors[1:] == ["closed, the registry serves"]
    assert registries() == set()


def test_a_box_that_refuses_the_forward_gets_another_port(tmp_path: Path) -> None:
    with begun(tmp_path) as first, first.serving([]) as registry:
        chosen = registry.port
    assert chosen
    box, other = Behind("there", chosen, fails=True), Behind("other")
    with begun(tmp_path) as ahead:
        for one in (box, other):
            ahead.show_to(one)
        with ahead.serving([box, other]) as registry:
            assert registry.shown == frozenset()
            assert registry.port not in (None, chosen)
            assert other.doors == [f"open {chosen}", "closed, the registry serves"]
            assert len(registries()) == 1


def test_a_port_that_was_asked_for_is_kept_and_the_forward_says_what_is_wrong(tmp_path: Path) -> None:
    port, box = free_port(), Behind("there", fails=True)
    with begun(tmp_path, port) as ahead:
        ahead.show_to(box)
        with ahead.serving([box]) as registry:
            assert (registry.port, registry.shown) == (port, frozenset())
            with pytest.raises(BoxError, match="something listens there"), doors(registry, [box]):
                raise AssertionError("the context must not begin")


def test_a_forward_that_opens_after_the_end_is_closed(tmp_path: Path) -> None:
    box = Behind("there")
    box.may.clear()
    with begun(tmp_path) as ahead:
        ahead.show_to(box)
        threading.Timer(1, box.may.set).start()
    assert len(box.doors) == 2 and registries() == set()


def test_without_a_program_here_nothing_is_started_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with begun(tmp_path) as ahead, pytest.raises(RegistryError, match="cannot start a registry"), ahead.serving([]):
        raise AssertionError("the context must not begin")
