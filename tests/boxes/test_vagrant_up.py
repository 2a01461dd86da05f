"""What Vagrant could not bring up is tried again where that can help."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from lab.boxes import vagrant_up as module
from lab.boxes.address import Address
from lab.boxes.vagrant import VagrantBox
from lab.errors import BoxError
from lab.model import Progress
from lab.notices import Notice, Retried, listening
from lab.retries import Attempts
from tests.boxes.test_vagrant import box

AWAY = "libvirt is away"  # not a text of vagrant-libvirt: nobody knows whether it passes
RACES = (
    "Error occurred while creating new network: Call to virNetworkDefineXML failed: operation failed: network "
    "'vagrant-libvirt' already exists with uuid 1b0a3f.",
    "Error while activating network: Call to virNetworkCreate failed: Requested operation is not valid: network is "
    "already active.",
    "There was error while creating Libvirt storage pool: Call to virStoragePoolDefineXML failed: operation failed.",
)


def suspended(guest: VagrantBox) -> None:
    note = guest.notes.read(guest.name)
    assert note
    address = Address(host="127.0.0.1", port=1, user="vagrant")  # nobody listens there
    guest.notes.write(note.model_copy(update={"suspended": True, "address": address}))


@pytest.mark.parametrize(
    ("is_suspended", "error", "retried"),
    [(True, AWAY, "resume"), (False, AWAY, None), *((False, race, "create") for race in RACES)],
)
def test_what_may_pass_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_suspended: bool, error: str, retried: str | None
) -> None:
    """libvirt was restarted under a suspended machine, or two Vagrants made the network that both need."""
    script = f"""echo $1 >> {tmp_path}/verbs
case $1 in
up) echo up >> {tmp_path}/ups; test "$(wc -l < {tmp_path}/ups)" = 2 || {{ echo {shlex.quote(error)} >&2; exit 1; }};;
*) printf 'HostName 127.0.0.1\nUser vagrant\nPort 1\nIdentityFile {tmp_path}/key\n';;
esac"""
    guest = box(tmp_path, "centos7", monkeypatch, script)
    guest.spec = guest.spec.model_copy(update={"boot_timeout": 10})
    if is_suspended:
        suspended(guest)
    monkeypatch.setattr(module, "AGAIN", Attempts(most=2, first=0.01))
    monkeypatch.setattr(VagrantBox, "_answers", lambda self: False)
    monkeypatch.setattr(VagrantBox, "wait_until_reachable", lambda self, *words, **more: None)
    monkeypatch.setattr(VagrantBox, "set_clock", lambda self: None)
    heard: list[Notice] = []
    events: list[Progress] = []
    with listening(heard.append):
        if retried:
            guest.bring_up(events.append)
            assert events[-1] == Progress("centos7", "ready", done=True)
        else:
            with pytest.raises(BoxError, match="cannot bring up centos7: Vagrant ended with status 1"):
                guest.bring_up(events.append)
    assert len((tmp_path / "ups").read_text().splitlines()) == (2 if retried else 1)
    verbs = (tmp_path / "verbs").read_text().split()
    assert verbs[:3] == {"create": ["up", "destroy", "up"], "resume": ["up", "up", "ssh-config"]}.get(
        retried or "", ["up"]
    )
    said = [(item.who, item.what) for item in heard if isinstance(item, Retried)]
    assert said == ([("centos7", retried)] if retried else [])


def test_a_machine_that_is_kept_for_a_look_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"echo $1 >> {tmp_path}/verbs; echo {shlex.quote(RACES[0])} >&2; exit 1"
    guest = box(tmp_path, "centos7", monkeypatch, script)
    note = guest.notes.read("centos7")
    assert note
    guest.notes.write(note.model_copy(update={"silent": True}))
    with pytest.raises(BoxError, match="cannot bring up centos7: Vagrant ended with status 1"):
        guest.bring_up(lambda event: None)
    assert (tmp_path / "verbs").read_text().split() == ["up"]
