"""Which client of a box walks a context as those before BuildKit 0.10."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.rulebook import Rulebook
from lab.explain.rules_of_box import walks_by_name
from lab.explain.subject import subject
from lab.results.contexts import StoredContext
from lab.results.run import load
from tests import reporting
from tests.conftest import ROOT
from tests.reporting import HIT, trial


@pytest.mark.parametrize(
    ("builder", "client", "wanted"),
    [
        ("buildkit", "18.09.1", True),
        ("buildkit", "20.10.24+dfsg1", True),
        ("buildkit", "23.0.0", False),
        ("buildkit", "26.1.5+dfsg1", False),
        ("buildkit", "", False),
        ("buildctl", "0.9.3", True),
        ("buildctl", "0.13.2", False),
        ("buildx", "20.10.24+dfsg1", False),
        ("buildx-remote", "0.9.3", False),
        ("classic", "20.10.24+dfsg1", False),
    ],
)
def test_the_client_decides(builder: str, client: str, wanted: bool) -> None:
    facts = reporting.run(trial("a", "b", (HIT, HIT, HIT))).boxes[0]
    assert walks_by_name(facts.model_copy(update={"builder": builder, "client": client})) is wanted


def test_the_ignore_file_beside_the_dockerfile_that_is_named_counts() -> None:
    """Each side has the options of its own build."""
    run = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr")
    tried = next(item for item in run.trials if item.producer != item.consumer)
    given = tried.options.model_copy(update={"flags": ("--file=./b/My.Dockerfile",)})
    found = subject(run, tried.model_copy(update={"options": given}), Rulebook(ROOT / "boxes"))
    assert isinstance(found.theirs, StoredContext) and isinstance(found.ours, StoredContext)
    assert (found.theirs.dockerfile, found.ours.dockerfile) == ("Dockerfile", "b/My.Dockerfile")
    objects = (
        *(file(path, path.encode()) for path in ("a", "x1")),
        Entry("b", Kind.DIR, 0o755),
        file("b/My.Dockerfile.dockerignore", b"x*"),
        file(".dockerignore", b"a"),
    )
    sent = {
        path: {entry.path for entry in replace(found.ours, objects=objects, dockerfile=path).sent_objects}
        for path in ("Dockerfile", "b/My.Dockerfile")
    }
    assert "x1" in sent["Dockerfile"] and "a" not in sent["Dockerfile"]
    assert "a" in sent["b/My.Dockerfile"] and "x1" not in sent["b/My.Dockerfile"]


@pytest.mark.parametrize(("theirs", "ours"), [("20.10.24", "26.1.5"), ("26.1.5", "20.10.24")])
def test_each_side_has_the_walk_of_its_own_client(theirs: str, ours: str) -> None:
    run = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr")
    tried = next(item for item in run.trials if item.producer != item.consumer)
    clients = {tried.producer: theirs, tried.consumer: ours}
    boxes = tuple(box.model_copy(update={"client": clients[box.name]}) for box in run.boxes if box.name in clients)
    found = subject(run.model_copy(update={"boxes": boxes}), tried, Rulebook(ROOT / "boxes"))
    assert isinstance(found.theirs, StoredContext) and isinstance(found.ours, StoredContext)
    assert (found.theirs.by_name, found.ours.by_name) == (theirs == "20.10.24", ours == "20.10.24")
