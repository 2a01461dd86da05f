"""Which lineup is meant: the one named, the one that is up, the bug report's, the embedded one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lab.boxes.address import Address
from lab.boxes.notes import Machine, Note, Notes
from lab.errors import UsageError
from lab.machines import auto
from lab.machines.auto import answers, choose_lineup
from lab.machines.catalog import Catalog
from tests.conftest import ROOT

OWN = Catalog(ROOT / "boxes")


@pytest.fixture
def closed() -> int:
    """A port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: int) -> Notes:
    """A machine without Vagrant's images and without Vagrant Cloud: no test may depend on the network."""
    monkeypatch.setenv("VAGRANT_HOME", str(tmp_path / "vagrant"))
    monkeypatch.setattr(auto, "VAGRANT_CLOUD", ("127.0.0.1", closed))
    return Notes(tmp_path / "state")


def note(box: str, lineup: str) -> Note:
    return Note(box=box, lineup=lineup, vagrant=Machine(provider="libvirt", prefix="lab-abc123-"))


def test_the_lineup_named_is_taken_whatever_else_is(alone: Notes) -> None:
    alone.write(note("debian12-selinux", "debian"))
    lineup, reason = choose_lineup(OWN, alone, "gist")
    assert (lineup.name, reason) == ("gist", "named by --lineup")
    with pytest.raises(UsageError, match=r'cannot find the lineup "gits" \(did you mean "gist"\?\)'):
        choose_lineup(OWN, alone, "gits")


@pytest.mark.parametrize("name", [None, "auto"])
def test_the_lineup_that_is_up_is_taken(alone: Notes, name: str | None) -> None:
    alone.write(note("debian12-selinux", "debian"))
    lineup, reason = choose_lineup(OWN, alone, name)
    assert (lineup.name, reason) == ("debian", "an earlier `up` started it (debian12-selinux)")
    address = Address(host="10.0.0.2", user="vagrant")
    alone.write(note("debian12-selinux", "debian").model_copy(update={"address": address}))
    lineup, reason = choose_lineup(OWN, alone, name)
    assert (lineup.name, reason) == ("debian", "it is up already (debian12-selinux)")


def test_a_note_of_a_lineup_that_is_gone_decides_nothing(alone: Notes) -> None:
    alone.write(note("a", "gone"))
    alone.write(note("b", "local"))
    assert choose_lineup(OWN, alone, None)[0].name == "local"


def test_the_bug_reports_boxes_are_taken_where_vagrant_holds_them(alone: Notes, tmp_path: Path) -> None:
    boxes = tmp_path / "vagrant" / "boxes"
    (boxes / "centos-VAGRANTSLASH-7" / "2004.01").mkdir(parents=True)
    assert choose_lineup(OWN, alone, None)[0].name == "debian"  # one of two is not enough
    (boxes / "generic-VAGRANTSLASH-ubuntu1804").mkdir()
    lineup, reason = choose_lineup(OWN, alone, None)
    assert (lineup.name, reason) == ("gist", "its boxes are on this machine")


def test_the_bug_reports_boxes_are_taken_where_the_cloud_answers(alone: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setattr(auto, "VAGRANT_CLOUD", listener.getsockname())  # the cloud, as far as it is asked
        lineup, reason = choose_lineup(OWN, alone, None)
    assert (lineup.name, reason) == ("gist", "Vagrant Cloud answers")


def test_the_embedded_boxes_are_taken_otherwise(alone: Notes) -> None:
    lineup, reason = choose_lineup(OWN, alone, None)
    assert (lineup.name, reason) == ("debian", "Vagrant Cloud does not answer within 3 s")


def test_a_port_answers_or_not(closed: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert answers("127.0.0.1", listener.getsockname()[1], 2)
    assert not answers("127.0.0.1", closed, 5)


def test_a_name_that_nobody_knows_does_not_answer() -> None:
    assert not answers("no-such-host.invalid", 443, 1.0)  # RFC 2606: never resolves


def test_a_host_that_stays_silent_does_not_hold_it_up() -> None:
    assert not answers("192.0.2.1", 443, 0.5)  # RFC 5737: no route leads there
