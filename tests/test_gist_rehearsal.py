"""The bug report's lineup rehearsed without its machines: images under their names, an old sshd, a host without Docker.

A box of Vagrant is a small archive here, and a host is this machine behind a real sshd.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Box
from lab.boxes.kinds.local import LocalSpec
from lab.boxes.local import LocalBox
from lab.boxes.notes import Notes
from lab.boxes.specs import BoxSpec
from lab.boxes.ssh import SshBox
from lab.engines import own
from lab.engines.engine import Engine
from lab.engines.pins import PINS
from lab.engines.spec import EngineSpec
from lab.engines.stock import Stock
from lab.errors import BoxError
from lab.machines import auto
from lab.machines.auto import choose_lineup
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.model import Progress
from lab.project import Project, cache_folder
from tests.archives import program, tgz
from tests.boxes.test_ssh import CONFIG, Sshd
from tests.conftest import ROOT

# What OpenSSH 7.1 offers of what lab has: it signs with RSA keys only by SHA-1. Debian's own still can, if asked to.
OLD = """\
HostKeyAlgorithms {host_keys}
PubkeyAcceptedAlgorithms ssh-rsa,ssh-ed25519
KexAlgorithms curve25519-sha256@libssh.org
Ciphers aes128-ctr
MACs hmac-sha2-256
ForceCommand {folder}/dash
"""
# The login shell of the box is dash: whatever the client asks for is given to it, except sftp
DASH = """\
#!/bin/sh
case $SSH_ORIGINAL_COMMAND in
*sftp*) exec /usr/lib/openssh/sftp-server ;;
*) exec dash -c "$SSH_ORIGINAL_COMMAND" ;;
esac
"""


# --- Vagrant's images


@pytest.fixture
def vagrant_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home of Vagrant; Vagrant Cloud does not answer."""
    monkeypatch.setenv("VAGRANT_HOME", str(tmp_path / "vagrant"))
    monkeypatch.setattr(auto, "answers", lambda *words: False)  # whether it does is not for a test to decide
    return tmp_path / "vagrant"


def add_box(folder: Path, name: str, version: str) -> None:
    """Give Vagrant a box of that name and version, by the small metadata file that Vagrant Cloud would serve."""
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text(json.dumps({"provider": "libvirt", "format": "qcow2", "virtual_size": 1}))
    (folder / "box.img").write_bytes(b"QFI\xfb")
    with tarfile.open(folder / "a.box", "w:gz") as tar:
        for part in ("metadata.json", "box.img"):
            tar.add(folder / part, part)
    provider = {"name": "libvirt", "url": (folder / "a.box").as_uri()}
    about = {"name": name, "versions": [{"version": version, "providers": [provider]}]}
    (folder / "about.json").write_text(json.dumps(about))
    words = ["vagrant", "box", "add", str(folder / "about.json"), "--provider", "libvirt"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.vm
def test_the_gist_is_chosen_if_vagrant_holds_the_stated_version_of_its_boxes(
    vagrant_home: Path, tmp_path: Path
) -> None:
    catalog, notes = Catalog(ROOT / "boxes"), Notes(tmp_path / "state")
    add_box(tmp_path / "ubuntu", "generic/ubuntu1804", "4.3.12")
    add_box(tmp_path / "older", "centos/7", "1905.1")
    assert choose_lineup(catalog, notes, None)[0].name == "debian"  # `vagrant up` would look for 2004.01 in the cloud
    add_box(tmp_path / "right", "centos/7", "2004.01")
    lineup, reason = choose_lineup(catalog, notes, None)
    assert (lineup.name, reason) == ("gist", "its boxes are on this machine")


# --- hosts


class OldSshd(Sshd):
    """An sshd without rsa-sha2, which gives every command to dash; `rsa` is a user's key that it accepts too."""

    def __init__(self, folder: Path, *, host_keys: str) -> None:
        super().__init__(folder)
        self.config = CONFIG + OLD.replace("{host_keys}", host_keys)
        kinds = {"rsa": "rsa", **({"host": "rsa"} if host_keys == "ssh-rsa" else {})}
        for name, kind in kinds.items():
            (folder / name).unlink(missing_ok=True)
            words = ["ssh-keygen", "-q", "-t", kind, "-m", "PEM", "-N", "", "-f", str(folder / name)]
            subprocess.run(words, check=True)
        with (folder / "user.pub").open("a") as accepted:
            accepted.write((folder / "rsa.pub").read_text())
        (folder / "dash").write_text(DASH)
        (folder / "dash").chmod(0o755)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldSshd]:
    server = OldSshd(tmp_path_factory.mktemp("old"), host_keys="ssh-ed25519")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def old_box(old: OldSshd) -> Iterator[SshBox]:
    box = old.box("centos7")
    box.bring_up(lambda event: None)
    yield box
    box.close()


def test_an_old_openssh_is_reached_by_keys_that_are_not_rsa(old_box: SshBox, tmp_path: Path) -> None:
    assert old_box.run(["printf", "%s", "a b'c$d"]).text == "a b'c$d"
    (tmp_path / "file").write_bytes(b"\0\xff")
    old_box.put(tmp_path / "file", PurePosixPath(tmp_path / "put"))
    assert (tmp_path / "put").read_bytes() == b"\0\xff"


def test_an_old_openssh_refuses_an_rsa_key_and_that_is_said_at_once(old: OldSshd, old_box: SshBox) -> None:
    box = old.box("centos7", key="rsa")  # it knows the host's key, from old_box
    with pytest.raises(BoxError, match="cannot log in to centos7 as ") as caught:
        box.wait_until_reachable(100_000)  # a test that waits would not end
    assert f"-i {old.folder}/rsa -p {old.port}" in str(caught.value.hint)


def test_an_old_openssh_with_an_rsa_host_key_alone_is_refused_at_once(tmp_path: Path) -> None:
    server = OldSshd(tmp_path, host_keys="ssh-rsa")
    server.start()
    try:
        with pytest.raises(BoxError, match="its ssh server and lab have no algorithm in common") as caught:
            server.box("centos7").wait_until_reachable(100_000)
        assert "OpenSSH before 7.2" in str(caught.value.hint)
    finally:
        server.stop()


def test_a_box_whose_shell_is_dash_runs_what_lab_asks(old_box: SshBox, tmp_path: Path) -> None:
    found = old_box.run(["sh", "-c", 'printf "%s|" "$A" "$PWD" "$@"', "sh", "*", "~", "!x"], env={"A": "1;2"},
                        cwd=PurePosixPath(tmp_path))  # fmt: skip
    assert found.text == f"1;2|{tmp_path}|*|~|!x|"
    assert old_box.run(["sleep", "600"], timeout=1).timed_out


# --- engines and rows


class Stub(Fleet):
    """A fleet whose private engines are at once there, and whose other boxes are asked as always."""

    def _start(self, box: Box, spec: BoxSpec, pin: EngineSpec) -> Engine:
        return Engine(pin.name, ("true",), "1", "1", "c") if pin.kind != "installed" else super()._start(box, spec, pin)


def test_the_row_of_a_host_without_docker_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    catalog, heard = Catalog(ROOT / "boxes"), list[Progress]()
    fleet = Stub(Project(ROOT, tmp_path / "cache"), catalog, heard.append)
    guest = LocalSpec(name="guest", summary="", kind="local", engines=("19.03.8",))
    ready = fleet.up("gist", [guest, catalog.box("local-docker")])
    assert [item.box.name for item in ready] == ["guest"]
    failed = [event for event in heard if event.failed]
    assert [event.who for event in failed] == ["local-docker"]
    assert failed[0].what.startswith("cannot use the Docker of local-docker: it does not answer")


def test_an_archive_of_ones_own_stands_in_for_the_bug_reports_docker(tmp_path: Path) -> None:
    file = tgz(tmp_path / "docker-19.03.8.tgz", {"docker/dockerd": program() + b"19.03.8", "docker/docker": program()})
    cache = tmp_path / "cache"
    own.add(file, Catalog(ROOT / "boxes").engines, cache, name="19.03.8-own")
    catalog = Catalog(ROOT / "boxes", cache / PINS)
    spec = catalog.engine("19.03.8-own")
    assert (spec.version, spec.rules, spec.needs.cgroup) == ("19.03.8", "R1", "v1")
    stock = Stock(catalog.engines, ROOT / "boxes" / "engines", cache, LocalBox())
    assert stock.archive(spec, lambda event: None).contents.programs.keys() == {"dockerd", "docker"}


@pytest.mark.vm
def test_a_real_engine_with_another_version_string_is_taken_for_it(tmp_path: Path) -> None:
    """The programs are Debian's real 20.10.24; only the text of their version is replaced by one of the same length.

    Nothing else of 19.03.8 is in them: they hash and write records as 20.10.24 does.
    """
    catalog = Catalog(ROOT / "boxes")
    stock = Stock(catalog.engines, ROOT / "boxes" / "engines", Project(ROOT, cache_folder()).cache, LocalBox())
    source = stock.archive(catalog.engine("20.10.24"), lambda event: None).path
    before, after = b"20.10.24+dfsg1", b"19.03.8+tests1"
    assert len(before) == len(after)
    with tarfile.open(source) as tar:
        tar.extractall(tmp_path / "made", filter="tar")
    for name in ("docker", "dockerd"):
        path = tmp_path / "made" / "docker" / name
        path.write_bytes(path.read_bytes().replace(before, after))
    file = tmp_path / "docker-19.03.8.tgz"
    with tarfile.open(file, "w:gz", compresslevel=1) as tar:
        tar.add(tmp_path / "made" / "docker", "docker")
    cache = tmp_path / "cache"
    own.add(file, catalog.engines, cache, name="19.03.8-own")
    spec = Catalog(ROOT / "boxes", cache / PINS).engine("19.03.8-own")
    assert (spec.version, spec.rules, spec.needs.cgroup) == ("19.03.8", "R1", "v1")
    env = {"LD_LIBRARY_PATH": str(tmp_path / "made" / "docker" / "lib")}
    for name in ("docker", "dockerd"):
        said = subprocess.run(
            [tmp_path / "made" / "docker" / name, "--version"], env=env, capture_output=True, check=True
        )
        assert said.stdout.startswith(b"Docker version 19.03.8+tests1, build ")
