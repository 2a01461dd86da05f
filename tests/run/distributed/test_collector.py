"""The recorder of a worker: it keeps what it gets until that is sent, and writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.results.contexts import pack
from lab.run.distributed.collector import Collector
from lab.run.distributed.parcels import Item
from tests import reporting


def test_items_wait_in_order_and_only_facts_and_productions_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = reporting.run(reporting.trial("a", "b", (reporting.HIT,) * 3))
    empty = run.model_copy(update={"boxes": (), "productions": (), "trials": ()})
    collector = Collector(empty)
    items: list[Item] = [*run.boxes, *run.productions, *run.trials]
    for item in items:
        collector.add(item)
    assert collector.items == items
    assert (collector.run.boxes, collector.run.productions, collector.run.trials) == (run.boxes, run.productions, ())
    packed = pack([], None, [])
    assert [collector.keep(packed), collector.keep(packed)] == [packed.key] * 2
    assert collector.contexts == [packed, packed]  # each cell sends its own
    assert list(tmp_path.iterdir()) == []
