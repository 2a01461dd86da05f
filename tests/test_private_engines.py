"""Real engines on this machine, without a virtual machine: an archive of the user's own, and two runs at once."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.engines.pins import PINS
from lab.engines.stock import Stock
from lab.machines.catalog import Catalog
from lab.model import Progress
from lab.project import find
from tests.conftest import HANGS, Lab, own_checkout

pytestmark = pytest.mark.vm
HIT, RAN = "hit", "ran"
FIXED, UNFIXED = "20.10.24", "20.10.24-unfixed"


def quiet(event: Progress) -> None:
    pass


@pytest.fixture(scope="module")
def archives() -> dict[str, Path]:
    """The archives of two engines, made now if the cache does not have them."""
    project = find()
    stock = Stock(Catalog(project.boxes).engines, project.boxes / "engines", project.cache, LocalBox("this machine"))
    return {name: stock.archive(stock.engines[name], quiet).path for name in (FIXED, UNFIXED)}


@pytest.fixture
def workplace(tmp_path: Path, archives: dict[str, Path]) -> Lab:
    """A checkout with a state and a cache of its own, with these archives in it, and with two boxes of this machine."""
    made = own_checkout(tmp_path, LAB_CACHE=str(tmp_path / "cache"))
    boxes = tmp_path / "boxes"
    for path in (boxes / "local.yaml", boxes / "lineups" / "local.yaml"):
        text = path.read_text().replace("name: local", "name: other").replace("[local]", "[other]")
        path.with_name("other.yaml").write_text(text)
    engines = tmp_path / "cache" / "engines"
    engines.mkdir(parents=True)
    for archive in archives.values():
        for path in (archive, archive.with_suffix(".json")):
            (engines / path.name).symlink_to(path)
    return made


def test_an_archive_of_the_users_own_is_an_engine_by_its_name(workplace: Lab, archives: dict[str, Path]) -> None:
    file = workplace.root / f"docker-{FIXED}.tgz"
    file.write_bytes(gzip.compress(gzip.decompress(archives[FIXED].read_bytes()), compresslevel=1, mtime=0))
    name = f"{FIXED}-own"
    added = workplace.ok("engines", "add", str(file), "--name", name)
    assert added.out.splitlines()[1] == f"`python -m lab repro --engine {name}` uses it"
    assert "http" not in (workplace.root / "cache" / PINS).read_text()
    words = ["--lineup", "local", "--engine", name, "--variation", "none", "--json"]
    run = workplace.ok("repro", *words).json
    assert [(trial["engine"], trial["verdict"]) for trial in run["trials"]] == [(name, "as expected")]
    assert [step["outcome"] for step in run["trials"][0]["build"]["steps"]] == [HIT, HIT, HIT]
    assert [(box["engine"], box["rules"]) for box in run["boxes"]] == [(name, "R5")]
    workplace.ok("engines", "remove", name)
    assert workplace.run("repro", *words).code == 2


def test_two_runs_at_once_leave_each_other_their_engines(workplace: Lab) -> None:
    """The run that ends first ends its own engine only: without that, the other run's trials would be broken."""
    long = workplace.start("repro", "--lineup", "local", "--engine", FIXED, "--variation", "all", "--json")
    short = workplace.start("repro", "--lineup", "other", "--engine", UNFIXED, "--variation", "none", "--json")
    ends = [process.communicate(timeout=HANGS) for process in (short, long)]
    assert [process.returncode for process in (short, long)] == [0, 0], ends
    assert workplace.engines() == []


def test_an_engine_is_used_by_one_run_at_a_time(workplace: Lab) -> None:
    workplace.ok("up", "--lineup", "local", "--engine", FIXED)
    try:
        first = workplace.start("repro", "--lineup", "local", "--engine", FIXED, "--json")
        second = workplace.start("repro", "--lineup", "other", "--engine", FIXED, "--json")
        for process in (first, second):
            process.communicate(timeout=HANGS)
        assert sorted([first.returncode, second.returncode]) in ([0, 0], [0, 11])  # one after the other, or refused
        assert workplace.engines() == [FIXED]  # as `up` left it
    finally:
        workplace.ok("down", "--lineup", "local")
    assert workplace.engines() == []
