"""The cases that need another flag, mount, stage, store or round, on a real engine with both builders."""

from __future__ import annotations

from collections import Counter

import pytest

from lab.engines import host
from lab.project import find
from lab.run.cases import cases
from tests.conftest import HANGS, ROOT, Lab

TAGS = {"wrong-hit", "flag", "mount", "stages", "prune", "store", "rounds", "ci", "link"}
NAMES = [item.name for item in cases(ROOT / "templates" / "scenarios") if TAGS & set(item.file.tags)]


@pytest.mark.vm
@pytest.mark.timeout(2 * HANGS)
def test_a_real_engine_does_what_the_cases_expect_and_lab_predicts(checkout: Lab) -> None:
    words = ("--lineup", "local", "--engine", "26.1.5", "--builder", "buildkit,classic", "--json")
    rows = checkout.ok("cases", "check", *NAMES, *words, timeout=1.5 * HANGS).json["trials"]
    assert [row for row in rows if row["verdict"] != "as expected"] == []
    assert [row for row in rows if row["prediction"] == "contradicted"] == []
    seen = Counter(word for row in rows for word in row["seen"].split())
    assert seen["wrong-hit"] >= 3  # old bytes, an old mode, an old secret
    assert {row["case"] for row in rows} == set(NAMES)
    assert {row["engine"] for row in rows} == {"26.1.5", "26.1.5+classic"}
    assert host.leftovers(find().state) == []
