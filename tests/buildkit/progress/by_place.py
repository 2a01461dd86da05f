"""What became of the steps of recordings that several builders and forms have alike, by stage and index.

Each was written from the Dockerfile (tests/data/progress/README.md) and what was in the cache, before the recording was
read. `unknown` stands where the form cannot show which it was.
"""

from __future__ import annotations

from lab.model import Outcome
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "progress"
H, R, U, B = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN, Outcome.BASE
Places = dict[tuple[str | None, int], Outcome]
BUILDKITS = ("buildkit-0.13.2", "buildkit-0.25.2")
STORES = ("26.1.5-containerd", "28.5.2-containerd")
FORMS = ("plain", "rawjson", "tty")

ONE_STAGE: Places = {(None, 1): B}
TWELVE: Places = {("build", 1): B, **{("build", index): R for index in range(2, 13)}}
MADE: Places = {("made", 1): B, ("made", 2): R, ("made", 3): R, ("made", 4): R}
FINAL: Places = {("stage-1", 2): H, ("stage-1", 3): R, ("stage-1", 4): R}

BY_SCENARIO: dict[str, Places] = {
    # The records of stage `made` are in the cache without layers: printed as CACHED first, and executed later.
    "nolayer": {**MADE, **FINAL},
    # The same with layers, which are fetched.
    "lazy": {**MADE, **FINAL, ("made", 2): H, ("made", 3): H, ("made", 4): H},
    "link": {**ONE_STAGE, (None, 2): R, (None, 3): R, (None, 4): R},
    "linkhit": {**ONE_STAGE, (None, 2): H, (None, 3): H, (None, 4): R},
    "linklazy": {**ONE_STAGE, (None, 2): H, (None, 3): H, (None, 4): R},
    "linkmoved": {**ONE_STAGE, (None, 2): R, (None, 3): R},
    "scratch": {
        ("made", 1): B,
        ("made", 2): H,
        ("empty", 1): H,
        ("empty", 2): H,
        ("stage-2", 1): H,
        ("stage-2", 2): H,
        ("stage-2", 3): H,
    },
    "trigger": {**TWELVE, ("stage-1", 1): B, ("stage-1", 2): R, ("stage-1", 3): R, ("stage-1", 4): R},
    "add": {**ONE_STAGE, **{(None, index): R for index in range(2, 7)}},
    "addhit": {**ONE_STAGE, **{(None, index): H for index in range(2, 7)}},
}
BY_SCENARIO["scratchran"] = {**BY_SCENARIO["scratch"], ("stage-2", 3): R}
# What was put together for the step that runs is printed alike, whether it was found or not; only rawjson is exact.
MERGED = {"linkhit": (None, 3), "linkmoved": (None, 2)}


def _all() -> dict[str, Places]:
    where = {
        **dict.fromkeys(BY_SCENARIO, BUILDKITS),
        "link": BUILDKITS + STORES,
        "linkhit": BUILDKITS + STORES,
        "add": ("20.10.24", "26.1.5", "28.5.2", *BUILDKITS, *STORES),
        "addhit": ("20.10.24", "26.1.5", "28.5.2", *BUILDKITS, *STORES),
        "trigger": ("28.5.2", *BUILDKITS),
    }
    found = {}
    for scenario, folders in where.items():
        for folder in folders:
            for form in FORMS:
                places = dict(BY_SCENARIO[scenario])
                if folder == "20.10.24":  # it has neither rawjson, nor ADD of a git repository
                    del places[None, 6]
                if form != "rawjson" and scenario in MERGED:
                    places[MERGED[scenario]] = U
                if (form, scenario) == ("tty", "linklazy"):
                    places[None, 3] = U  # its row has no end on the last screen, which never says FINISHED
                found[f"{folder}/{scenario}.{form}"] = places
    left_out = {name for name in found if name.startswith("20.10.24/") and name.endswith(".rawjson")}
    left_out |= {name for name in found if "-containerd/add" in name and name.endswith(".tty")}
    return {name: places for name, places in found.items() if name not in left_out}


RECORDINGS: dict[str, Places] = _all()
# What other versions print of the same builds: tests of how lines are read take one version of each.
REPEATED = {f"{name}.txt" for name in RECORDINGS if not name.startswith(("20.10.24/", "buildkit-0.25.2/"))}
