from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.engines.stock import Stock
from lab.machines.catalog import Catalog
from lab.model import Progress
from lab.project import find
from tests.faults import guests
from tests.faults.fault import REPRO, Fault
from tests.faults.hosts import hosts
from tests.faults.kinds.table import FAULTS, LEFT_OUT
from tests.faults.selection import Selection, select
from tests.faults.strangers import strangers
from tests.faults.suite import Suite
from tests.faults.workplace import FIXED, GUEST, UNFIXED, Workplace

CHOSEN: Selection = select(FAULTS, left_out=LEFT_OUT)


def pytest_report_header(config: pytest.Config) -> str:
    """How the same faults are made again."""
    return f"faults: LAB_FAULTS_SEED={CHOSEN.seed}, {len(CHOSEN.faults)} of {len(FAULTS)} (LAB_FAULTS=all makes all)"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each chosen fault."""
    if "fault" in metafunc.fixturenames:
        metafunc.parametrize(
            "fault",
            # the test of a virtual machine runs beside no other one
            [pytest.param(item, marks=[pytest.mark.machines] * (item.lineup == "vm")) for item in CHOSEN.faults],
            ids=[f"{fault.name}-seed-{CHOSEN.seed}" for fault in CHOSEN.faults],
        )


def quiet(event: Progress) -> None:
    """The listener of archives that are made."""


@pytest.fixture(scope="session")
def lineups(request: pytest.FixtureRequest) -> set[str]:
    """The lineups of the faults that this session makes, after -m and -k have left some out."""
    tests = [item for item in request.session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    faults = (test.callspec.params.get("fault") for test in tests)
    return {fault.lineup for fault in faults if isinstance(fault, Fault)}


@pytest.fixture(scope="session")
def cache(lineups: set[str]) -> Path:
    """The user's cache with the archives of the engines, made now if it does not have them."""
    project = find()
    stock = Stock(Catalog(project.boxes).engines, project.boxes / "engines", project.cache, LocalBox("this machine"))
    for name in (FIXED, UNFIXED, *(GUEST.values() if "vm" in lineups else ())):
        stock.archive(stock.engines[name], quiet)
    return project.cache


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory, cache: Path, lineups: set[str]) -> Iterator[Suite]:
    """A workplace with one stored run, hosts behind ssh, a virtual machine, and what other people have.

    It ends with its module: its machine would slow down the tests of other files, and is a stranger to them.
    """
    root = tmp_path_factory.mktemp("faults")
    place = Workplace(root / "place", cache)
    archive = next(path for path in (cache / "engines").glob("20.10.24-[0-9a-f]*.tgz"))
    (place.root / "docker-20.10.24.tgz").symlink_to(archive)
    if "vm" in lineups:
        guests.prepare(place, cache)
    try:
        with strangers(root, cache, place, machines="vm" in lineups) as theirs:
            code, text = place.call(*(word.format(lineup="pair") for word in REPRO))
            assert code == 0, text
            if "hosts" in lineups:
                with hosts(root, cache, place) as made:
                    yield Suite(place, theirs, CHOSEN.seed, made)
            else:
                yield Suite(place, theirs, CHOSEN.seed, {})
    finally:
        place.call("down")
        place.remove()
