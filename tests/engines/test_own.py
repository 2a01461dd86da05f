"""The user's own archives: added and pinned with their sums, which never contradict boxes/engines.yaml."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engines import own
from lab.engines.archive import place
from lab.engines.elf import here
from lab.engines.kinds.static import StaticSpec
from lab.engines.kinds.table import kind_of
from lab.engines.pins import PINS, read_pins
from lab.engines.spec import EngineSpec
from lab.errors import ConfigError, EngineError, HostError, UsageError
from lab.machines.catalog import Catalog
from lab.model import Progress
from tests.archives import engine, program, tgz

ENGINES = """\
engines:
  - {name: "1.0", version: "1.0", kind: static, url: "http://x/", sha256: "SUM"}
  - {name: "2.0", version: "2.0", kind: static, url: "URL", sha256: null}
  - {name: "3.0", version: "3.0", kind: distro}
"""


def quiet(event: Progress) -> None:
    pass


class Shop:
    """A folder of engines.yaml, a cache, and a server of archives."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.boxes = folder / "boxes"
        self.boxes.mkdir()
        self.file = engine(folder / "docker-2.0.tgz", program() + b"also 1.0 and 3.0, ")
        self.sum = hashlib.sha256(self.file.read_bytes()).hexdigest()
        text = ENGINES.replace("SUM", self.sum).replace("URL", self.file.as_uri())
        (self.boxes / "engines.yaml").write_text(text)

    @property
    def engines(self) -> dict[str, EngineSpec]:
        return Catalog(self.boxes, self.cache / PINS).engines

    def pin(self, name: str) -> StaticSpec:
        spec = self.engines[name]
        assert isinstance(spec, StaticSpec)
        return spec

    @property
    def stored(self) -> list[str]:
        return sorted(path.name for path in (self.cache / "engines").glob("*"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_an_archive_is_added_by_its_name(shop: Shop) -> None:
    assert shop.pin("2.0").sha256 is None
    spec = own.add(shop.file, shop.engines, shop.cache)
    assert (spec.name, spec.version, kind_of(spec).sum_of(spec)) == ("2.0", "2.0", shop.sum)
    assert shop.engines["2.0"] == spec
    assert shop.pin("2.0").url is None  # nobody knows whether Docker's address has these bytes
    assert place(shop.cache, "2.0", shop.sum).read_bytes() == shop.file.read_bytes()
    assert shop.stored == [f"2.0-{shop.sum[:12]}.json", f"2.0-{shop.sum[:12]}.tgz", "pins.yaml"]


def test_the_pins_of_a_newer_lab_are_refused_and_stay(shop: Shop) -> None:
    own.add(shop.file, shop.engines, shop.cache)
    path = shop.cache / PINS
    older = path.read_text(encoding="utf-8")
    assert "\nversion: 1\n" in older
    path.write_text(older.replace("version: 1\n", ""), encoding="utf-8")
    assert list(read_pins(path)) == ["2.0"]  # those of a lab that wrote no version
    newer = older.replace("version: 1", "version: 2")
    path.write_text(newer, encoding="utf-8")
    with pytest.raises(ConfigError, match="has version 2, this lab reads versions up to 1") as caught:
        own.add(shop.file, shop.engines, shop.cache)
    assert caught.value.hint == f"update lab, or move {path} away"
    assert path.read_text(encoding="utf-8") == newer


def test_a_pinned_archive_is_added_without_a_pin_of_ones_own(shop: Shop) -> None:
    own.add(shop.file, shop.engines, shop.cache, "1.0")
    assert not (shop.cache / PINS).exists()


def test_another_file_than_the_pinned_one_is_not_added(shop: Shop, tmp_path: Path) -> None:
    other = tgz(tmp_path / "docker-1.0.tgz", {"docker/dockerd": program() + b"another 1.0"})
    found = hashlib.sha256(other.read_bytes()).hexdigest()
    with pytest.raises(EngineError) as caught:
        own.add(other, shop.engines, shop.cache)
    assert (
        caught.value.message == f"cannot use {other} as Docker 1.0: its sha256 is {found}, the pinned one is {shop.sum}"
    )
    assert shop.stored == []


def test_a_version_that_is_unknown_becomes_an_engine(shop: Shop, tmp_path: Path) -> None:
    file = engine(tmp_path / "docker-27.3.1-rc.1.tgz")
    spec = own.add(file, shop.engines, shop.cache)
    assert shop.engines["27.3.1-rc.1"] == spec
    assert spec == StaticSpec(name=spec.name, version=spec.name, url=None, sha256=kind_of(spec).sum_of(spec))


def test_a_version_that_debian_has_too_gets_a_name_of_its_own(shop: Shop) -> None:
    assert own.add(shop.file, shop.engines, shop.cache, "3.0").name == "3.0-static"
    assert own.add(shop.file, shop.engines, shop.cache, "3.0").name == "3.0-static"
    assert {name: spec.kind for name, spec in shop.engines.items()}["3.0"] == "distro"


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("archive.tgz", None, "its name does not state a version"),
        ("docker-latest.tgz", None, "its name does not state a version"),
        ("docker-2.0.tgz", "../../x", '"../../x" is not a version'),
    ],
)
def test_an_archive_of_no_version_is_not_added(
    shop: Shop, tmp_path: Path, name: str, version: str | None, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        own.add(tmp_path / name, shop.engines, shop.cache, version)
    assert said in caught.value.message


def own_build(folder: Path, name: str = "build.tgz") -> Path:
    return tgz(folder / name, {"docker/dockerd": program() + b"version 1.0 of this house"})


def test_an_own_build_is_added_under_a_name_of_its_own(shop: Shop, tmp_path: Path) -> None:
    file = own_build(tmp_path)
    total = hashlib.sha256(file.read_bytes()).hexdigest()
    spec = own.add(file, shop.engines, shop.cache, name="1.0-own")
    assert spec == StaticSpec(name="1.0-own", version="1.0", url=None, sha256=total)
    assert place(shop.cache, "1.0-own", total).read_bytes() == file.read_bytes()
    assert shop.pin("1.0").sha256 == shop.sum  # the engine of boxes/engines.yaml is as it was
    assert "http" not in (shop.cache / PINS).read_text()
    assert own.add(file, shop.engines, shop.cache, name="1.0-own") == spec
    own.remove("1.0-own", shop.cache)
    assert "1.0-own" not in shop.engines


def test_an_own_build_has_the_rules_and_the_needs_of_its_version(shop: Shop, tmp_path: Path) -> None:
    path = shop.boxes / "engines.yaml"
    path.write_text(path.read_text().replace('"http://x/",', '"http://x/", rules: R1, needs: {cgroup: v1},'))
    own.add(own_build(tmp_path), shop.engines, shop.cache, name="1.0-own")
    spec = shop.pin("1.0-own")
    assert (spec.rules, spec.needs.cgroup) == ("R1", "v1")


def test_the_refusal_of_another_sum_names_the_command_that_adds_it(shop: Shop, tmp_path: Path) -> None:
    file = own_build(tmp_path, "docker-1.0.tgz")
    with pytest.raises(EngineError) as caught:
        own.add(file, shop.engines, shop.cache)
    hint = caught.value.hint or ""
    assert hint == f"use it under a name of its own: python -m lab engines add {file} --version 1.0 --name 1.0-own"
    own.add(file, shop.engines, shop.cache, "1.0", "1.0-own")
    with pytest.raises(EngineError) as again:
        own.add(file, shop.engines, shop.cache)
    assert str(again.value.hint).endswith("--name 1.0-own2")


def test_the_refusal_of_a_second_sum_names_the_command_that_removes_the_first(shop: Shop, tmp_path: Path) -> None:
    own.add(shop.file, shop.engines, shop.cache)
    other = tgz(tmp_path / "other" / "docker-2.0.tgz", {"docker/dockerd": program() + b"2.0"})
    with pytest.raises(EngineError) as caught:
        own.add(other, shop.engines, shop.cache)
    assert str(caught.value.hint).startswith("`python -m lab engines remove 2.0` removes the one before; use it under")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("1.1-own", "it states another version than 1.0"),
        ("1.0 own", "it needs 1 to 40 letters, digits, dots and hyphens"),
        ("../1.0", "it needs 1 to 40 letters"),
        ("x" * 41, "it needs 1 to 40 letters"),
        ("all", "lab itself uses names of this form"),
        ("buildkit-1.0", "lab itself uses names of this form"),
        ("3.0", "it states another version than 1.0"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(shop: Shop, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        own.add(own_build(tmp_path), shop.engines, shop.cache, "1.0", name)
    assert caught.value.hint == "such as --name 1.0-own"
    assert shop.stored == []


def test_a_name_that_is_in_use_is_refused(shop: Shop, tmp_path: Path) -> None:
    path = shop.boxes / "engines.yaml"
    path.write_text(path.read_text() + '  - {name: house, version: "9.0", kind: distro}\n')
    file = own_build(tmp_path)
    with pytest.raises(UsageError, match=r"boxes/engines\.yaml has an engine of that name"):
        own.add(file, shop.engines, shop.cache, "1.0", "house")
    own.add(file, shop.engines, shop.cache, "1.0", "mine")
    other = tgz(tmp_path / "other.tgz", {"docker/dockerd": program() + b"1.0 too"})
    with pytest.raises(UsageError, match="another archive of yours has that name") as caught:
        own.add(other, shop.engines, shop.cache, "1.0", "mine")
    assert caught.value.hint == "python -m lab engines remove mine, or another --name"


def test_a_version_that_the_engine_cannot_report_is_refused(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"as Docker 1\.0-mine: its dockerd is of another version") as caught:
        own.add(own_build(tmp_path), shop.engines, shop.cache, "1.0-mine")
    assert "--version is the version that `dockerd --version` prints" in str(caught.value.hint)
    assert shop.stored == []


def test_what_is_no_archive_is_not_added(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "docker-9.9.tgz").write_bytes(shop.file.read_bytes()[:-20])
    with pytest.raises(EngineError, match="it is cut short"):
        own.add(tmp_path / "docker-9.9.tgz", shop.engines, shop.cache)
    with pytest.raises(HostError, match="No such file"):
        own.add(tmp_path / "docker-9.8.tgz", shop.engines, shop.cache)
    assert shop.stored == []


def test_pinning_says_what_it_trusts(shop: Shop) -> None:
    told: list[Progress] = []
    spec = own.pin("2.0", shop.engines, shop.cache, told.append)
    assert shop.engines["2.0"] == spec
    assert kind_of(spec).sum_of(spec) == shop.sum
    assert told[-1].what == f"pinned as sha256 {shop.sum}; only this download confirms that sum"
    with pytest.raises(EngineError, match="its sha256 is pinned already"):
        own.pin("2.0", shop.engines, shop.cache, quiet)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "site"
    engine(folder / here() / "docker-4.0.tgz")
    (folder / here() / "docker-4.1.tgz").write_bytes(b"<html>")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


def test_a_version_that_nobody_named_is_pinned_from_the_site(shop: Shop, site: str) -> None:
    spec = own.pin("4.0", shop.engines, shop.cache, quiet, site)
    assert kind_of(spec).url_of(spec) == f"{site}/{here()}/docker-4.0.tgz"
    assert shop.engines["4.0"] == spec


def test_a_version_that_never_existed_is_said(shop: Shop, site: str) -> None:
    with pytest.raises(EngineError) as caught:
        own.pin("4.9", shop.engines, shop.cache, quiet, site)
    assert caught.value.message == f"cannot download {site}/{here()}/docker-4.9.tgz: there is no such file"
    assert shop.stored == []


def test_a_page_instead_of_an_archive_is_not_pinned(shop: Shop, site: str) -> None:
    with pytest.raises(EngineError, match=f"cannot use {site}/.*/docker-4.1.tgz: it is not a complete .tgz archive"):
        own.pin("4.1", shop.engines, shop.cache, quiet, site)
    assert shop.stored == []
    with pytest.raises(UsageError, match='cannot pin "latest": it is not a version'):
        own.pin("latest", shop.engines, shop.cache, quiet, site)


def test_no_network_is_this_machines_fault(shop: Shop) -> None:
    with pytest.raises(HostError, match="Connection refused"):
        own.pin("4.0", shop.engines, shop.cache, quiet, "http://127.0.0.1:1")


def test_what_was_added_is_removed_and_no_more(shop: Shop, tmp_path: Path) -> None:
    own.add(shop.file, shop.engines, shop.cache)
    own.add(engine(tmp_path / "docker-2.0-rc.1.tgz"), shop.engines, shop.cache)
    removed = own.remove("2.0", shop.cache)
    assert [path.name for path in removed] == [f"2.0-{shop.sum[:12]}.json", f"2.0-{shop.sum[:12]}.tgz"]
    assert shop.pin("2.0").sha256 is None
    assert shop.pin("2.0-rc.1").sha256
    with pytest.raises(UsageError, match="cannot remove"):
        own.remove("2.0", shop.cache)


def test_a_pin_that_contradicts_the_repository_is_refused(shop: Shop) -> None:
    path = shop.cache / PINS
    path.parent.mkdir(parents=True)
    path.write_text(f'engines: [{{name: "1.0", version: "1.0", kind: static, url: null, sha256: "{"0" * 64}"}}]\n')
    with pytest.raises(ConfigError, match=r"contradicts boxes/engines\.yaml") as caught:
        _ = shop.engines
    assert caught.value.hint == "python -m lab engines remove 1.0"
    assert own.remove("1.0", shop.cache) == []
    assert "1.0" in shop.engines
