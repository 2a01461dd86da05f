"""Trials of real engines: no step is predicted otherwise than it was printed, and few are unknown."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

import pytest

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.inline import decode
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.solver import Decision, solve
from lab.buildkit.cachekeys.state import BaseImage, Options
from tests.conftest import ROOT
from tests.vectors import BOOK

DATA = (ROOT / "tests" / "data" / "cachekeys" / "solved.jsonl").read_text(encoding="utf-8").splitlines()
TRIALS = [json.loads(line) for line in DATA]


def decided(trial: dict[str, Any]) -> list[Decision]:
    def content(copy: Copy) -> str | None:
        found = trial["contents"][str([(query.path, query.is_wildcard, query.exclude) for query in copy.queries])]
        assert found is None or isinstance(found, str)
        return found

    names = ("diff_ids", "manifests", "env", "onbuild")
    bases = {
        key: BaseImage(**{**raw, **{name: tuple(raw[name]) for name in names}}) for key, raw in trial["bases"].items()
    }
    options = Options(
        build_args=trial["build_args"], no_cache=tuple(trial["no_cache"]), merges=trial["merges"], worker="linux/amd64"
    )
    caches = [decode(base64.b64encode(json.dumps(records).encode()).decode()) for records in trial["caches"]]
    planned = plan(parse(trial["dockerfile"]), bases, BOOK.need(trial["engine"]).dialect, content, options)
    return solve(caches, planned)


@pytest.mark.parametrize("engine", ["20.10.24", "26.1.5"])
def test_predictions_are_what_engines_printed(engine: str) -> None:
    counts: Counter[str] = Counter()
    for trial in TRIALS:
        if trial["engine"] != engine:
            continue
        printed = {(stage, number): outcome for stage, number, outcome in trial["observed"]}
        for decision in decided(trial):
            step = decision.step
            places = [place for place in ((step.stage, step.number), *step.also) if place in printed]
            assert places, (step.text, trial["dockerfile"])
            outcome = decision.outcome.value
            assert outcome in ("unknown", printed[places[0]]), (step.text, decision.sentence, trial["dockerfile"])
            counts[outcome] += 1
    assert min(counts["hit"], counts["ran"]) > 15 and counts["unknown"] < sum(counts.values()) / 15
