"""The words of files are those that the table of builders knows."""

from __future__ import annotations

from typing import get_args

from lab.run.builders.table import BUILDERS
from lab.run.words import BuilderName


def test_every_builder_can_be_named() -> None:
    assert set(get_args(BuilderName)) == set(BUILDERS)
