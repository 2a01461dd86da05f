"""docs/cases.md is made by a run of the library: it lists each case with each of its variations."""

from __future__ import annotations

import re

from lab.model import CONTROL
from lab.run.cases import cases
from tests.conftest import ROOT


def test_the_page_of_cases_lists_every_case_and_variation() -> None:
    page = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([a-z0-9-]+)` \| (?:`([a-z0-9-]+)`)? \|", page, re.MULTILINE))
    for case in cases(ROOT / "templates" / "scenarios"):
        for name in (CONTROL, *(variation.name for variation in case.file.variations)):
            assert (case.name, "" if name == CONTROL else name) in rows


def test_no_cell_of_the_page_is_unexpected_or_contradicted() -> None:
    page = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8")
    cells = [cell for line in page.splitlines() if line.startswith("| `") for cell in line.split("|")]
    assert [cell for cell in cells if "**" in cell or cell.rstrip().endswith(" !")] == []
