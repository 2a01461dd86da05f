"""What apt is told and what becomes of its answers; tests/test_pack_vm.py asks Debian's archive itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.boxes.base import Command
from lab.errors import CommandError, HostError
from lab.machines.pack.manifest import Sort
from lab.machines.pack.parts import debian
from lab.machines.prerequisites import NEEDS
from tests.machines.pack.requests import Shell, request

MIRROR = "http://mirror.example/debian"
URIS = f"""\
Reading package lists...
'{MIRROR}/pool/main/m/mtools/mtools_4.0%2ba_amd64.deb' mtools_1%3a4.0+a_amd64.deb 5 MD5Sum:0
'http://mirror.example/security/pool/updates/main/v/vagrant_2_all.deb' vagrant_2_all.deb 7 MD5Sum:0
"""


class Apt:
    """An apt that has two releases of two sites; it leaves the files that the real one does."""

    def __init__(self, fails: str = "", *, signed: bool = True) -> None:
        self.fails = fails
        self.signed = signed
        self.lists = Path()

    def __call__(self, command: Command) -> tuple[int, str, str]:
        words = command.argv
        if self.fails and self.fails in words:
            return 100, "", "E: Unable to locate package\n"
        if "indextargets" in words and words[0] == "env":
            self.lists = Path(words[1].removeprefix("APT_CONFIG=")).parent / "lists"
            return 0, "\n".join(self.rows()), ""
        if "--print-uris" in words:
            return 0, URIS, ""
        if "--download-only" in words:
            folder = Path(next(word for word in words if word.startswith("Dir::Cache::archives=")).partition("=")[2])
            (folder / "mtools_1%3a4.0+a_amd64.deb").write_text("tools")
            (folder / "vagrant_2_all.deb").write_text("vagrant")
        return 0, "", ""

    def rows(self) -> list[str]:
        rows = []
        for uri, release, site in (
            (f"{MIRROR}/", "bookworm", "mirror.example_debian_dists_bookworm"),
            ("http://mirror.example/security/", "bookworm-security", "mirror.example_security_dists_bookworm-security"),
        ):
            path = self.lists / f"{site}_main_binary-amd64_Packages.xz"
            for file in (path, self.lists / f"{site}_InRelease") if self.signed else (path,):
                file.write_text(file.name)
            rows.append(f"{uri}|{release}|main/binary-amd64/Packages|{path}")
        return rows


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_MIRROR", MIRROR)
    monkeypatch.setattr("shutil.which", lambda name, path: f"/bin/{name}")


def test_the_pack_has_debians_signed_index_and_the_packages_at_their_places(tmp_path: Path) -> None:
    found = debian.gather(request(tmp_path, shell=Shell(Apt()), suites=["bookworm"]))
    assert [(item.path, item.sort, item.about) for item in found] == [
        ("debian/debian/dists/bookworm/InRelease", Sort.INDEX, "bookworm"),
        ("debian/debian/dists/bookworm/main/binary-amd64/Packages.xz", Sort.INDEX, "bookworm"),
        ("debian/security/dists/bookworm-security/InRelease", Sort.INDEX, "bookworm"),
        ("debian/security/dists/bookworm-security/main/binary-amd64/Packages.xz", Sort.INDEX, "bookworm"),
        ("debian/debian/pool/main/m/mtools/mtools_4.0+a_amd64.deb", Sort.PACKAGE, "bookworm"),
        ("debian/security/pool/updates/main/v/vagrant_2_all.deb", Sort.PACKAGE, "bookworm"),
    ]
    assert [item.source.read_text() for item in found[-2:]] == ["tools", "vagrant"]


def test_everything_that_setup_installs_is_asked_for(tmp_path: Path) -> None:
    shell = Shell(Apt())
    debian.gather(request(tmp_path, shell=shell, suites=["bookworm"]))
    [asked] = [command.argv for command in shell.asked if "--download-only" in command.argv]
    assert {need.debian for need in NEEDS} | {"python3", "python3-venv"} <= set(asked)
    assert "--no-install-recommends" in asked


def test_packages_of_earlier_versions_leave_the_cache(tmp_path: Path) -> None:
    old = tmp_path / "cache" / "pack" / "debian" / "bookworm" / "mtools_3_amd64.deb"
    old.parent.mkdir(parents=True)
    old.touch()
    debian.gather(request(tmp_path, shell=Shell(Apt()), suites=["bookworm"]))
    assert not old.exists()


def test_an_index_that_is_not_signed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="has no InRelease for bookworm"):
        debian.gather(request(tmp_path, shell=Shell(Apt(signed=False)), suites=["bookworm"]))


def test_apts_own_words_are_shown(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="apt-get's exit status 100") as caught:
        debian.gather(request(tmp_path, shell=Shell(Apt("--print-uris")), suites=["bookworm"]))
    assert "Unable to locate package" in caught.value.output


def test_without_a_network_the_error_is_of_this_machine(tmp_path: Path) -> None:
    shell = Shell(lambda command: (100, "", "W: Failed to fetch: Temporary failure resolving 'mirror.example'\n"))
    with pytest.raises(HostError, match="Debian's archive does not answer"):
        debian.gather(request(tmp_path, shell=shell, suites=["bookworm"]))


def test_two_sites_of_one_name_have_two_folders() -> None:
    assert debian._site("http://a/debian/", []) == "debian"
    assert debian._site("http://b/debian", ["debian"]) == "debian2"
    assert debian._site("http://b/", []) == "debian"
