"""What a box does with Vagrant's words, against a stand-in that says what the real one said."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.boxes.address import Address
from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.boot import SilentError
from lab.boxes.notes import Machine, Note, Notes
from lab.boxes.vagrant import VagrantBox
from lab.boxes.vagrant_spec import VagrantSpec
from lab.errors import BoxError
from lab.machines.catalog import Catalog
from lab.model import Progress
from lab.project import Project
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

# Vagrant 2.3.4 where no name server answers; its second output is standard error
UP = """\
Bringing machine 'NAME' up with 'libvirt' provider...
==> NAME: Box 'BOX' could not be found. Attempting to find and install...
    NAME: Box Provider: libvirt
"""
NO_BOX = """\
The box 'BOX' could not be found or
could not be accessed in the remote catalog. If this is a private
box on HashiCorp's Vagrant Cloud, please verify you're logged in via
`vagrant login`. Also, please double-check the name. The expanded
URL and error message are shown below:

URL: ["https://vagrantcloud.com/api/v2/vagrant/BOX"]
Error: Could not resolve host: vagrantcloud.com
"""


def box(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, script: str) -> VagrantBox:
    """A box of this checkout's files whose note is written, and a `vagrant` that runs the script."""
    program = folder / "bin" / "vagrant"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    project = Project(folder, folder / "cache")
    machine = Machine(provider="libvirt", driver="qemu", prefix=project.prefix)
    Notes(project.state).write(Note(box=name, lineup="gist", vagrant=machine))
    spec = Catalog(ROOT / "boxes").box(name)
    assert isinstance(spec, VagrantSpec)
    return VagrantBox(spec, project)


def refused(name: str, image: str, folder: Path, monkeypatch: pytest.MonkeyPatch, made: str = ":") -> BoxError:
    out, err = (text.replace("NAME", name).replace("BOX", image) for text in (UP, NO_BOX))
    machine = folder / ".vagrant" / "machines" / name / "libvirt"
    script = f"mkdir -p {machine}\n{made}\nprintf %s {shlex.quote(out)}\nprintf %s {shlex.quote(err)} >&2\nexit 1"
    with pytest.raises(BoxError) as caught:
        box(folder, name, monkeypatch, script).bring_up(lambda event: None)
    return caught.value


def test_an_image_that_cannot_be_had_says_so_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused("centos7", "centos/7", tmp_path, monkeypatch)
    assert error.message == (
        "cannot bring up centos7: Vagrant Cloud did not give its box centos/7 2004.01 for libvirt: "
        "Could not resolve host: vagrantcloud.com"
    )
    assert error.hint and error.hint.startswith("`python -m lab up --lineup debian` needs nothing from there; ")
    # the entry that the hint has written is one that Vagrant 2.3.4 takes, version and all
    command = error.hint.rpartition("is added by `")[2].removesuffix(" && vagrant box add box.json`")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert json.loads((tmp_path / "box.json").read_text(encoding="utf-8")) == {
        "name": "centos/7",
        "versions": [{"version": "2004.01", "providers": [{"name": "libvirt", "url": "FILE"}]}],
    }
    assert "==> centos7: Box 'centos/7' could not be found. Attempting to find and install..." in error.tail()
    assert "Error: Could not resolve host: vagrantcloud.com" in error.tail()


def test_an_image_that_cannot_be_had_leaves_no_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused("ubuntu1804", "generic/ubuntu1804", tmp_path, monkeypatch)
    assert error.hint and error.hint.endswith("is added by `vagrant box add --name generic/ubuntu1804 FILE`")
    # else `auto` would take the lineup for begun ever after
    assert Notes(tmp_path / ".lab").boxes() == []
    assert not list((tmp_path / ".vagrant" / "machines").iterdir())


def test_a_machine_that_was_made_before_keeps_its_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = f"echo 1 > {tmp_path}/.vagrant/machines/centos7/libvirt/id"
    refused("centos7", "centos/7", tmp_path, monkeypatch, made)
    assert Notes(tmp_path / ".lab").boxes() == ["centos7"]


def test_a_machine_that_does_not_answer_shows_its_consoles_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = tmp_path / "console.log"
    console.write_bytes(b"\x1b[0;1;39mWelcome\r\n")
    address = f"HostName 127.0.0.1\\nUser vagrant\\nPort 1\\nIdentityFile {tmp_path}/key\\n"
    late = f"echo 'Kernel panic' >> {console}"  # after `vagrant up` has ended
    guest = box(tmp_path, "centos7", monkeypatch, f"test $1 = up || {{ printf '{address}'; {late}; }}")
    guest.spec = guest.spec.model_copy(update={"boot_timeout": 1})
    note = guest.notes.read("centos7")
    assert note
    guest.notes.write(note.model_copy(update={"vagrant": note.vagrant.model_copy(update={"console": str(console)})}))
    with pytest.raises(
        SilentError, match="cannot wait longer than 1 s without any progress for ssh on centos7: "
    ) as caught:
        guest.bring_up(lambda event: None)
    assert caught.value.tail() == ["Welcome", "Kernel panic"]
    assert caught.value.hint and f"its console is {console}" in caught.value.hint
    assert Notes(tmp_path / ".lab").boxes() == ["centos7"]


class Clocked(VagrantBox):
    """A machine whose clock differs by some seconds; what is run on it is written down."""

    def __init__(self, spec: VagrantSpec, project: Project, off: int) -> None:
        super().__init__(spec, project)
        self.off = off
        self.calls: list[tuple[str, ...]] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.calls.append(command.argv)
        return Result(command, 0, b"%d\n" % (time.time() + self.off), b"", datetime.now(UTC), 0.0)


@pytest.mark.parametrize(
    ("off", "heard"),
    [(0, []), (-3600, [r"its clock was 3[56]\d\d s behind, and is set"]), (90, [r"its clock was [89]\d s ahead, .*"])],
)
def test_a_clock_that_is_wrong_after_a_sleep_is_set(tmp_path: Path, off: int, heard: list[str]) -> None:
    spec = Catalog(ROOT / "boxes").box("centos7")
    assert isinstance(spec, VagrantSpec)
    guest = Clocked(spec, Project(tmp_path, tmp_path / "cache"), off)
    told: list[str] = []
    guest.correct_clock(lambda event: told.append(event.what))
    assert len(told) == len(heard)
    assert all(re.fullmatch(pattern, what) for pattern, what in zip(heard, told, strict=True))
    assert [call[:3] for call in guest.calls[1:]] == [("sudo", "-n", "date")] * len(heard)


@pytest.mark.parametrize("pristine", [None, ("26.1.5",)])
def test_a_machine_that_does_not_answer_can_be_reset_if_it_has_a_first_state(
    tmp_path: Path, pristine: tuple[str, ...] | None
) -> None:
    project = Project(tmp_path, tmp_path / "cache")
    address = Address(host="127.0.0.1", port=1, user="me")  # nobody listens there
    machine = Machine(provider="libvirt", prefix=project.prefix)
    Notes(project.state).write(Note(box="centos7", lineup="gist", vagrant=machine, address=address, pristine=pristine))
    spec = Catalog(ROOT / "boxes").box("centos7")
    assert isinstance(spec, VagrantSpec)
    with pytest.raises(BoxError, match="cannot reach centos7") as caught:
        VagrantBox(spec, project).run(["true"])
    assert caught.value.hint
    assert "python -m lab up centos7" in caught.value.hint
    assert ("python -m lab reset centos7" in caught.value.hint) is (pristine is not None)


def test_a_slow_boot_is_waited_for_while_its_console_shows_something_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vagrant takes until the fourth line has been told, which is longer than the limit on any machine."""
    console, told = tmp_path / "console", tmp_path / "told"
    address = f"HostName 127.0.0.1\\nUser vagrant\\nPort 1\\nIdentityFile {tmp_path}/key\\n"
    script = f"""test $1 = up || {{ printf '{address}'; exit; }}
for number in one two three four; do
  echo "job $number of 4" >> {console}
  until grep -q "job $number" {told}; do sleep 0.1; done
  sleep 1.5
done
echo up > {tmp_path}/ended"""
    guest = noted(box(tmp_path, "centos7", monkeypatch, script), console, 2)
    told.touch()

    def tell(event: Progress) -> None:
        told.write_text(told.read_text() + event.what + "\n")

    with pytest.raises(SilentError, match="for ssh on centos7"):  # nobody listens on port 1
        guest.bring_up(tell)
    assert (tmp_path / "ended").exists()  # four times 1.5 s are more than 2 s
    assert "console: job four of 4" in told.read_text().splitlines()


def test_a_boot_without_progress_is_ended_and_the_machine_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # it prints one and the same line for ever, as Vagrant does while ssh does not answer
    script = f"""echo "$@" >> {tmp_path}/asked
while :; do echo '    centos7: Warning: Connection refused. Retrying...'; sleep 0.1; done"""
    console = tmp_path / "console"
    console.write_text("Kernel panic\n")
    guest = noted(box(tmp_path, "centos7", monkeypatch, script), console, 1)
    with pytest.raises(SilentError) as caught:
        guest.bring_up(lambda event: None)
    assert caught.value.message == (
        "cannot bring up centos7: 1 s without any progress on its console, in Vagrant's output and by ssh"
    )
    assert caught.value.tail()[-1] == "Kernel panic"
    assert (
        caught.value.hint
        and "`python -m lab down centos7` removes it (`up --destroy` does so at once)" in caught.value.hint
    )
    note = Notes(tmp_path / ".lab").read("centos7")
    assert note and note.silent
    # Vagrant itself would destroy a machine whose `up` fails
    assert (tmp_path / "asked").read_text().startswith("up --no-destroy-on-error centos7 ")


NETWORK_GONE = (
    "Error while removing network vagrant-libvirt. Call to virNetworkUndefine failed: Network not found: no network "
    "with matching uuid 'fca0197f' (vagrant-libvirt)."
)


def test_two_machines_that_are_destroyed_at_once_may_both_remove_their_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"echo '==> centos7: Removing domain...'; echo {shlex.quote(NETWORK_GONE)} >&2; exit 1"
    guest = box(tmp_path, "centos7", monkeypatch, script)
    guest.destroy()
    assert guest.address is None


def test_a_machine_that_is_not_destroyed_has_the_reason_of_vagrant_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = tmp_path / "console"
    console.write_text("[  OK  ] Reached target\n")
    script = "echo '==> centos7: Removing domain...'; echo 'The domain is in use.' >&2; exit 1"
    with pytest.raises(BoxError) as caught:
        noted(box(tmp_path, "centos7", monkeypatch, script), console, 1).destroy()
    assert caught.value.tail()[-1] == "The domain is in use."


def noted(guest: VagrantBox, console: Path, seconds: int) -> VagrantBox:
    """The box with this console and this limit on silence."""
    guest.spec = guest.spec.model_copy(update={"boot_timeout": seconds})
    note = guest.notes.read(guest.name)
    assert note
    guest.notes.write(note.model_copy(update={"vagrant": note.vagrant.model_copy(update={"console": str(console)})}))
    return guest


def test_a_console_that_only_root_may_read_hides_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = box(tmp_path, "centos7", monkeypatch, "echo 'no domain' >&2; exit 1")
    note = guest.notes.read("centos7")
    assert note
    # a folder stands in for the file that libvirt keeps from a plain user: root could read that
    machine = note.vagrant.model_copy(update={"console": str(tmp_path)})
    guest.notes.write(note.model_copy(update={"vagrant": machine}))
    with pytest.raises(BoxError, match="cannot bring up centos7: Vagrant ended with status 1") as caught:
        guest.bring_up(lambda event: None)
    assert caught.value.tail()[0] == "no domain"
    assert caught.value.tail()[1].startswith("(its console cannot be read: ")


def test_a_talkative_console_does_not_hide_vagrants_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # what Vagrant 2.3.4 printed where libvirt had been restarted under it
    script = """\
echo "Bringing machine 'centos7' up with 'libvirt' provider..."
echo '==> centos7: Resuming domain...'
echo 'The guest machine entered an invalid state while waiting for it'
echo 'to boot. Valid states are "running". The machine is in the'
echo '"inaccessible" state. Please verify everything is configured'
for number in 1 2 3 4 5 6 7 8; do echo "more advice $number"; done
exit 1"""
    guest = box(tmp_path, "centos7", monkeypatch, script)
    console = tmp_path / "console"
    console.write_text("".join(f"[  OK  ] Started unit {number}.\n" for number in range(40)))
    note = guest.notes.read("centos7")
    assert note
    guest.notes.write(note.model_copy(update={"vagrant": note.vagrant.model_copy(update={"console": str(console)})}))
    with pytest.raises(BoxError) as caught:
        guest.bring_up(lambda event: None)
    shown = caught.value.tail()
    assert shown[0] == "The guest machine entered an invalid state while waiting for it"
    assert shown[-1] == "[  OK  ] Started unit 39."


def test_any_other_failure_shows_vagrants_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "echo '==> centos7: Waiting for domain to get an IP address...'; echo 'no IP address' >&2; exit 1"
    with pytest.raises(BoxError) as caught:
        box(tmp_path, "centos7", monkeypatch, script).bring_up(lambda event: None)
    assert caught.value.message == "cannot bring up centos7: Vagrant ended with status 1"
    assert sorted(caught.value.tail()) == ["==> centos7: Waiting for domain to get an IP address...", "no IP address"]
    assert "python -m lab down centos7 removes what exists of it" in (caught.value.hint or "")
    assert Notes(tmp_path / ".lab").boxes() == ["centos7"]
