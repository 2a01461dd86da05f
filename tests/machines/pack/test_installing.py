from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import ConfigError, HostError
from lab.machines.pack import installing
from lab.machines.pack.gathering import Item
from lab.machines.pack.installing import apt_options
from lab.machines.pack.making import make
from lab.machines.pack.manifest import Sort
from lab.machines.pack.sources import Folder
from tests.machines.pack.packs import planned, silent

FILES = {
    "debian/debian/dists/bookworm/InRelease": (Sort.INDEX, "bookworm"),
    "debian/debian/dists/bookworm/main/binary-amd64/Packages.xz": (Sort.INDEX, "bookworm"),
    "debian/debian/dists/bookworm/contrib/binary-amd64/Packages.xz": (Sort.INDEX, "bookworm"),
    "debian/debian-security/dists/bookworm/updates/InRelease": (Sort.INDEX, "bookworm"),
    "debian/debian-security/dists/bookworm/updates/main/binary-amd64/Packages.xz": (Sort.INDEX, "bookworm"),
    "debian/debian/pool/main/m/mtools/mtools_1_amd64.deb": (Sort.PACKAGE, "bookworm"),
    "debian/debian/dists/trixie/InRelease": (Sort.INDEX, "trixie"),
    "debian/debian/dists/trixie/main/binary-amd64/Packages.xz": (Sort.INDEX, "trixie"),
}


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(installing, "KEYRINGS", (tmp_path / "keys.gpg",))
    (tmp_path / "keys.gpg").touch()
    items = []
    for number, (path, (sort, suite)) in enumerate(FILES.items()):
        (tmp_path / str(number)).write_text(path)
        items.append(Item(tmp_path / str(number), path, sort, suite))
    make(planned(items, tmp_path / "a pack"), silent)
    return Folder(tmp_path / "a pack")


def on(suite: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine run a release of Debian, or another system."""
    monkeypatch.setattr(installing, "this_suite", lambda: suite)


def test_the_pack_is_the_only_source_and_debians_keys_sign_it(
    pack: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on("bookworm", monkeypatch)
    with apt_options(pack, silent) as options:
        settings = dict(option.split("=", 1) for option in options[1::2])
        assert set(options[::2]) == {"-o"}
        lines = Path(settings["Dir::Etc::sourcelist"]).read_text().splitlines()
        folder = f"file:{tmp_path!s}/a%20pack/debian"
        signed = f"deb [signed-by={tmp_path}/keys.gpg]"
        assert lines == [
            f"{signed} {folder}/debian-security bookworm/updates main",
            f"{signed} {folder}/debian bookworm contrib main",
        ]
        assert list(Path(settings["Dir::Etc::sourceparts"]).iterdir()) == []
        assert "trusted" not in str(settings) and "AllowUnauthenticated" not in str(settings)
        place = Path(settings["Dir::State::lists"])
    assert not place.exists()


@pytest.mark.parametrize(("suite", "word"), [("forky", "Debian forky"), (None, "which is not Debian")])
def test_a_pack_for_other_releases_is_refused(
    pack: Folder, suite: str | None, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(suite, monkeypatch)
    with pytest.raises(ConfigError, match=word) as caught, apt_options(pack, silent):
        pytest.fail("the pack was accepted")
    assert f"--suite {suite or 'SUITE'}" in (caught.value.hint or "")
    assert "it has: bookworm" in caught.value.message


def test_a_damaged_package_is_refused_before_apt_runs(pack: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    on("bookworm", monkeypatch)
    (pack.folder / "debian/debian/pool/main/m/mtools/mtools_1_amd64.deb").write_text("x" * 51)
    with pytest.raises(ConfigError, match="mtools_1_amd64"), apt_options(pack, silent):
        pytest.fail("the pack was accepted")


def test_without_debians_keys_nothing_is_trusted(pack: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on("bookworm", monkeypatch)
    (tmp_path / "keys.gpg").unlink()
    with pytest.raises(HostError, match="Debian's keys are not on this machine"), apt_options(pack, silent):
        pytest.fail("the pack was accepted")
