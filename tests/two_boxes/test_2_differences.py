"""Two real machines: the bug report rehearsed with its Docker's version, and what `lab vary` does on whole machines."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.engines.stock import Stock
from lab.errors import DIFFERS
from lab.machines.catalog import Catalog
from lab.project import find
from tests.conftest import HANGS, Lab

pytestmark = [pytest.mark.vm, pytest.mark.machines, pytest.mark.story, pytest.mark.timeout(2 * HANGS)]
PLAIN, LABELLED = "debian12-apparmor", "debian12-selinux"
REHEARSED = "19.03.8-rehearsed"
HIT, RAN = "hit", "ran"
# The programs of an engine without the fix, under the version text of the bug report's Docker. Nothing else of 19.03.8
# is in them: they write records as 20.10.24 does.
BEFORE, AFTER = b"20.10.24+dfsg1-unfixed", b"19.03.8+rehearsed.text"
# The data of that engine lies on a small ext2, which is made before lab starts the engine.
OTHER_ROOT = f"""\
set -e
truncate -s 1G /var/tmp/lab-root
/sbin/mke2fs -q -t ext2 /var/tmp/lab-root
mkdir -p /var/lib/lab/{REHEARSED}
mount -o loop /var/tmp/lab-root /var/lib/lab/{REHEARSED}
"""


@pytest.fixture(scope="module", autouse=True)
def both(checkout: Lab) -> None:
    """Both boxes, also where this file runs alone."""
    checkout.ok("up", "--lineup", "debian")


@pytest.fixture(scope="module")
def rehearsed(checkout: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine of the user's own whose programs say that they are 19.03.8."""
    assert len(BEFORE) == len(AFTER)
    folder, project = tmp_path_factory.mktemp("made"), find()
    stock = Stock(Catalog(project.boxes).engines, project.boxes / "engines", project.cache, LocalBox())
    for archive in stock.archives(stock.engines["20.10.24-unfixed"], lambda event: None):
        with tarfile.open(archive.path) as tar:
            tar.extractall(folder, filter="tar")
    for name in ("docker", "dockerd"):
        path = folder / "docker" / name
        text = path.read_bytes().replace(BEFORE, AFTER)
        path.write_bytes(text.replace(BEFORE.removesuffix(b"-unfixed"), AFTER[:14]))
    file = folder / "docker-19.03.8.tgz"
    with tarfile.open(file, "w:gz", compresslevel=1) as tar:
        tar.add(folder / "docker", "docker")
    checkout.ok("engines", "add", str(file), "--name", REHEARSED)
    yield REHEARSED
    checkout.ok("engines", "remove", REHEARSED)


def test_the_bug_reports_table_with_its_version_and_another_file_system(checkout: Lab, rehearsed: str) -> None:
    checkout.ok("exec", PLAIN, "--", "sudo", "-n", "sh", "-c", OTHER_ROOT)
    said = checkout.ok("repro", "--lineup", "debian", "--engine", rehearsed, "--variation", "none", "--json")
    run = said.json
    seen = {
        (trial["producer"], trial["consumer"]): [step["outcome"] for step in trial["build"]["steps"]]
        for trial in run["trials"]
    }
    assert seen == {
        (PLAIN, PLAIN): [HIT, HIT, HIT],
        (LABELLED, LABELLED): [HIT, HIT, HIT],
        (PLAIN, LABELLED): [HIT, RAN, RAN],
        (LABELLED, PLAIN): [HIT, RAN, RAN],
    }
    facts = {box["name"]: box for box in run["boxes"]}
    assert {box["server"] for box in facts.values()} == {AFTER.decode()}
    assert {name: box["storage"] for name, box in facts.items()} == {PLAIN: "overlay2", LABELLED: "overlay2"}
    where = checkout.ok("exec", PLAIN, "--", "stat", "-f", "-c", "%T", f"/var/lib/lab/{rehearsed}/docker")
    assert where.out.strip() == "ext2/ext3"


def project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM alpine\nCOPY a /a\nRUN echo two > /two\n")
    (folder / "a").write_text("a\n")
    return folder


def test_the_difference_of_two_machines_is_bisected(checkout: Lab, tmp_path: Path) -> None:
    words = ("--context", str(project(tmp_path / "p")), "--base", "*=busybox", "--json")
    said = checkout.run("vary", "--between", PLAIN, LABELLED, *words, "--engine", "20.10.24-unfixed")
    assert said.code == DIFFERS, said.err
    found = said.json["vary"]
    assert (found["problem"], found["contradicted"]) == (None, [])
    assert found["between"]["there"] == [RAN, RAN]
    left = checkout.ok("exec", "all", "--json", "--", "sh", "-c", "test ! -e lab-runs").json["results"]
    assert [row["exit"] for row in left] == [0, 0]


def test_the_clock_of_a_machine_is_moved_and_moved_back(checkout: Lab, tmp_path: Path) -> None:
    words = ("--lineup", "debian", "--box", PLAIN, "--context", str(project(tmp_path / "p")), "--base", "*=busybox")
    said = checkout.ok("vary", "--axis", "clock", "--all", *words, "--engine", "20.10.24", "--json")
    [axis] = said.json["vary"]["axes"]
    assert (axis["name"], axis["state"], axis["outcomes"]) == ("clock", "ran", [HIT, HIT])
    clocks = checkout.ok("exec", "all", "--json", "--", "date", "+%s").json["results"]
    first, second = (int(row["stdout"]) for row in clocks)
    assert abs(first - second) < 24 * 3600
