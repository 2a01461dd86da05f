"""The end +containerd of an engine's name: which engines can have it, and what such an engine is."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.engines import stores
from lab.engines.box_docker import has_package
from lab.engines.daemon import Daemon
from lab.engines.engine import CONTAINERD, engine_of, is_pinned
from lab.engines.stock import Stock
from lab.errors import ConfigError, UsageError
from lab.machines.catalog import Catalog
from tests.conftest import ROOT

CATALOG = Catalog(ROOT / "boxes")
NAME = "26.1.5+containerd"


def test_the_engine_is_the_listed_one_under_its_own_name() -> None:
    plain, other = CATALOG.engine("26.1.5"), CATALOG.engine(NAME)
    assert (other.name, other.listed_name, other.store) == (NAME, "26.1.5", "containerd")
    assert (plain.listed_name, plain.store) == ("26.1.5", "")
    assert other.listed == plain
    assert plain.listed is plain
    assert NAME not in CATALOG.engines  # every engine that can have the store has the name, and none is listed


def test_it_has_the_archive_of_the_listed_engine(tmp_path: Path) -> None:
    stock = Stock(CATALOG.engines, ROOT / "boxes" / "engines", tmp_path, LocalBox())
    plain, other = CATALOG.engine("26.1.5"), CATALOG.engine(NAME)
    assert stock.target(other) == stock.target(plain) is not None
    assert stock.parts(other) == stock.parts(plain) == (plain,)
    assert not stock.has_archive(other)
    target = stock.target(plain)
    assert target
    target.parent.mkdir(parents=True)
    target.touch()
    assert stock.has_archive(other)
    assert stock.at_hand(other)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("20.10.24+containerd", "the containerd image store came with Docker 24"),
        ("19.03.8+containerd", "the containerd image store came with Docker 24"),
        ("buildkit-0.25.2+containerd", "a BuildKit without Docker has no image store"),
        ("installed+containerd", "lab changes no settings of a Docker that it did not bring"),
        ("26.1.5+contanerd", 'there is no image store "contanerd" (did you mean "containerd"?)'),
        ("26.1.5+classic", 'there is no image store "classic"'),
        ("26.1.5+", 'there is no image store ""'),
    ],
)
def test_an_engine_that_cannot_have_the_store_is_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(UsageError) as refused:
        CATALOG.engine(name)
    assert refused.value.message == f"cannot use the engine {name}: {reason}"
    assert refused.value.hint == stores.HINT


def test_an_unknown_engine_is_named_without_the_store() -> None:
    with pytest.raises(UsageError, match=r'cannot find the engine "26\.1\.6" \(did you mean "26\.1\.5"\?\)'):
        CATALOG.engine("26.1.6+containerd")


BOX = "name: here\nsummary: s\nkind: local\nengines: [installed]\nprivate: ['26.1.5+NAME']\n"


def test_a_file_of_a_box_may_name_it(tmp_path: Path) -> None:
    (tmp_path / "engines.yaml").write_bytes((ROOT / "boxes" / "engines.yaml").read_bytes())
    (tmp_path / "here.yaml").write_text(BOX.replace("NAME", "containerd"))
    assert Catalog(tmp_path).box("here")
    (tmp_path / "here.yaml").write_text(BOX.replace("NAME", "zfs"))
    with pytest.raises(
        ConfigError, match=r'cannot use the engine 26\.1\.5\+zfs of box here: there is no image store "zfs"'
    ):
        Catalog(tmp_path).box("here")


def test_only_its_settings_differ_and_its_unit_has_a_name_that_systemd_takes() -> None:
    plain, other = Daemon("26.1.5", containerd=True), Daemon(NAME, containerd=True)
    assert (plain.unit, other.unit) == ("lab-docker-26.1.5", "lab-docker-26.1.5_containerd")
    written = {
        daemon.name: json.loads(shlex.split(line)[1])
        for daemon in (plain, other)
        for line in daemon.script().splitlines()
        if line.startswith("echo ")
    }
    assert written == {"26.1.5": {}, NAME: {"features": {"containerd-snapshotter": True}}}


def test_the_running_engine_states_its_store_and_is_proven_as_the_listed_one() -> None:
    spec = CATALOG.engine(NAME)
    assert engine_of(spec, (("docker",), "26.1.5 26.1.5+dfsg1 abc"), {}).store == CONTAINERD
    assert is_pinned(spec, "26.1.5+dfsg1")
    assert not is_pinned(spec, "28.5.2")


def test_the_boxs_own_docker_is_never_changed() -> None:
    class Packaged(LocalBox):
        """A box whose Docker is Debian's package of 26.1.5."""

        def run(self, *args: object, **kwargs: object):  # type: ignore[no-untyped-def]
            return super().run(["printf", "installed 26.1.5+dfsg1"])

    assert has_package(Packaged(), CATALOG.engine("26.1.5"))
    assert not has_package(Packaged(), CATALOG.engine(NAME))
