"""What a request is without options: the whole Dockerfile, sent as it is."""

from __future__ import annotations

from pathlib import Path

from lab.run.own_project.request import Request
from lab.run.own_project.sending.table import way_of


def test_without_options_the_context_is_sent_exactly() -> None:
    request = Request(Path("p"))
    assert way_of(request.transfer).exact and not request.stub_runs and not request.bases
    assert request.target is None and request.largest > 1_000_000_000
