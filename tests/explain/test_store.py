"""Image stores, from the output of `docker info`, and what they explain."""

from __future__ import annotations

from lab.buildkit.rulebook import Rulebook
from lab.explain.explanation import Role
from lab.explain.steps import explain
from lab.explain.store import on_export, on_import
from lab.explain.subject import subject
from lab.explain.upstream import Upstream
from lab.model import Outcome
from lab.results.facts import BoxFacts, CacheImport
from lab.results.run import Run, load
from tests.conftest import ROOT
from tests.reporting import RUNS

BOOK, UPSTREAM = Rulebook(ROOT / "boxes"), Upstream(ROOT / "boxes")
RUN = load(RUNS / "explained")
GRAPH = next(box for box in RUN.boxes if box.engine == "28.5.2")
# as docker info of 29 prints it with the containerd store
SNAPSHOTTER = GRAPH.model_copy(
    update={
        "storage": "overlayfs",
        "info": GRAPH.info.replace(
            " Storage Driver: overlay2", " Storage Driver: overlayfs\n  driver-type: io.containerd.snapshotter.v1"
        ),
    }
)


def test_what_a_store_can_import_and_export() -> None:
    assert on_import(GRAPH) == on_import(None) == ()
    assert "a local image is no cache source there" in on_import(SNAPSHOTTER)[0]
    assert on_export(SNAPSHOTTER) == on_export(None) == ()
    assert "exports no cache but an inline one" in on_export(GRAPH)[0]


def missed(consumer: BoxFacts, *, imported: bool | None = True) -> tuple[Run, list[tuple[Role, tuple[str, ...]]]]:
    """A trial of 28.5.2 with the files of the producer, in which COPY ran all the same."""
    trial = next(item for item in RUN.trials if (item.engine, item.variation) == ("28.5.2", "none"))
    assert trial.build
    first, *rest = trial.build.steps
    steps = (first, *(step.model_copy(update={"outcome": Outcome.RAN}) for step in rest))
    build = trial.build.model_copy(update={"steps": steps, "imports": (CacheImport(ref="x", ok=imported),)})
    trial = trial.model_copy(update={"build": build, "producer": "other"})
    made = next(item for item in RUN.productions if item.engine == "28.5.2").model_copy(update={"producer": "other"})
    run = RUN.model_copy(
        update={"boxes": (consumer, GRAPH.model_copy(update={"name": "other"})), "productions": (made,)}
    )
    found = explain(subject(run, trial, BOOK), UPSTREAM)
    return run, [(step.role, step.evidence) for step in found.steps]


def test_two_stores_are_a_possible_cause_where_no_other_is_known_and_no_suspect_comes_before() -> None:
    _, steps = missed(SNAPSHOTTER)
    role, evidence = steps[1]
    assert role is Role.UNKNOWN
    assert evidence[0] == (
        "possible: the producer's engine uses the graph driver overlay2 (the default before Docker 29), and the "
        "consumer's uses the containerd image store (features.containerd-snapshotter is on in daemon.json)"
    )
    assert all(line.startswith("a known bug of this engine") for line in evidence[1:])
    assert not any(line.startswith("possible") for line in missed(GRAPH)[1][1][1])


def test_no_bug_of_buildkit_is_named_for_the_classic_builder() -> None:
    def bugs(builder: str) -> list[str]:
        consumer = GRAPH.model_copy(update={"server": "27.1.0", "builder": builder})  # all steps of its builds run
        return [line for _, evidence in missed(consumer)[1] for line in evidence if "known bug" in line]

    assert bugs("buildkit")
    assert bugs("classic") == []


def test_a_cache_that_was_not_read_says_what_the_store_can_import() -> None:
    _, steps = missed(SNAPSHOTTER, imported=False)
    [(_, evidence)] = [step for step in steps if step[0] is Role.CAUSE]
    assert evidence[:1] == on_import(SNAPSHOTTER)
    assert [line.partition(",")[0] for line in evidence[1:]] == ["image store of the producer", "image store here"]
