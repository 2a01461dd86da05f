"""Both machines for the tests of this folder, which is one story: each file goes on where the one before ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.boxes.base import Box
from lab.boxes.kinds.table import open_box
from lab.machines.catalog import Catalog
from lab.project import find
from tests.conftest import Lab


@pytest.fixture(scope="package", autouse=True)
def clean_world(checkout: Lab) -> Iterator[set[str]]:
    """Begin on a bare machine or among the leftovers of a killed run alike, and leave nothing behind.

    The value is what is left of the runs of other checkouts, which is not for these tests to end.
    """
    checkout.ok("down")
    checkout.ok("down", "--orphans")
    yield leftovers(checkout)
    checkout.ok("down")


def leftovers(checkout: Lab) -> set[str]:
    """What `doctor` finds on this machine of runs with boxes that have ended.

    Engines of this machine are left out: other tests of this checkout use them at the same time.
    """
    said = checkout.run("doctor", "--lineup", "debian", "--json")
    found = {check["found"] for check in said.json["checks"] if check["name"] == "leftover"}
    return {text for text in found if not text.startswith("engine ")}


@pytest.fixture
def selinux_box(checkout: Lab) -> Iterator[Box]:
    project = find()
    box = open_box(Catalog(project.boxes).box("debian12-selinux"), project)
    yield box
    box.close()
