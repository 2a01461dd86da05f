"""What `lab read --explain` says of a build, and what counts as a miss."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.buildkit.progress.build import Build, CacheImport, Step
from lab.buildkit.progress.prunes import Prune
from lab.buildkit.progress.reader import read_builds
from lab.explain.upstream import Upstream
from lab.model import Outcome
from lab.report.log import is_named, misses, reasons, sentences
from tests.conftest import ROOT

H, R, U, E, B = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN, Outcome.ERROR, Outcome.BASE
LOGS = ROOT / "tests" / "data" / "logs"


def step(index: int, outcome: Outcome, seconds: float | None = None, **more: object) -> Step:
    return replace(Step(None, index, 4, f"RUN {index}", outcome, seconds), **more)  # type: ignore[arg-type]


def build(*steps: Step, **more: object) -> Build:
    return Build("buildkit", steps, dockerfile_bytes=1, **more)  # type: ignore[arg-type]


def test_the_first_miss_and_what_came_after_it() -> None:
    assert sentences(build(step(1, B), step(2, H), step(3, R, 2.5), step(4, R, 1.0))) == [
        "The log shows no cache import: the build had only the cache of its own builder.",
        "The first miss is step 3/4 (RUN 3).",
        "The 2 steps that ran from the first miss on took 3.5 s in all.",
    ]


def test_why_a_step_failed_that_was_found() -> None:
    assert "Step 3/4 (RUN 3) failed: its layers are gone." in sentences(build(step(3, E, reason="its layers are gone")))


def test_steps_that_are_not_in_the_log_may_have_missed() -> None:
    absent = tuple(Step(None, index, 4, "", U, reason="the step is not in the log") for index in (2, 3))
    text = sentences(build(step(4, R, 1.0), absent=absent))
    doubt = "unless step 2/4, step 3/4 missed before it, which the log does not say."
    assert f"The first miss is step 4/4 (RUN 4), {doubt}" in text
    assert "Step 2/4 and step 3/4 are not in the log, so their outcomes are unknown." in text
    text = sentences(build(step(4, H), absent=absent))
    assert "No miss is shown: 1 of 3 steps is a hit, 2 are unknown." in text


def test_a_step_before_the_first_miss_may_have_missed_too() -> None:
    text = sentences(build(step(2, U), step(3, R, 2.5)))
    assert "The first miss is step 3/4 (RUN 3), unless step 2/4 missed before it, which the log does not say." in text


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([step(2, H), step(3, H)], "Every step that the log shows is a hit."),
        ([step(2, H), step(3, U)], "No miss is shown: 1 of 2 steps is a hit, 1 is unknown."),
        ([step(2, H), step(3, H), step(4, U)], "No miss is shown: 2 of 3 steps are hits, 1 is unknown."),
        ([step(2, U), step(3, U)], "No miss is shown: 0 of 2 steps are hits, 2 are unknown."),
        ([step(2, U)], "No miss is shown: 0 of 1 step is a hit, 1 is unknown."),
        ([step(2, H), step(3, E)], "Step 3/4 (RUN 3) failed."),
        (
            [step(2, H, 7.4, pulled=True)],
            "Step 2/4 (RUN 2) is a hit, also where the log prints DONE for it: the builder fetched its layers from a "
            "registry and took 7.4 s for it.",
        ),
        ([step(2, R, 0.1, reason="so it was")], "Step 2/4 (RUN 2) ran: so it was."),
        ([step(1, H, 0.0, reason="nothing needed it")], "Step 1/4 (RUN 1) is a hit: nothing needed it."),
        (
            [step(2, H, 0.3, download=0.3)],
            "The download of step 2/4 (RUN 2) took 0.3 s; BuildKit asks for its source in each build, also if the copy "
            "is a hit.",
        ),
        ([step(2, R)], "The log states no seconds, so it does not show what the misses cost."),
    ],
)
def test_one_sentence_each(steps: list[Step], sentence: str) -> None:
    assert sentence in sentences(build(*steps))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (CacheImport("a/b:c", ok=True), "The cache a/b:c was imported."),
        (
            CacheImport("a/b", ok=False, target="web", error="not found"),
            "The cache a/b for target web could not be imported: not found.",
        ),
        (CacheImport("a/b", ok=False), "The cache a/b could not be imported; the log does not say why."),
        (
            CacheImport("a/b", ok=None),
            "The cache a/b was asked for, and the log does not show whether it was imported.",
        ),
    ],
)
def test_what_became_of_an_import(source: CacheImport, sentence: str) -> None:
    assert sentences(build(step(2, H), imports=(source,)))[0] == sentence


def test_no_import_is_claimed_where_the_log_cannot_show_one() -> None:
    assert "its beginning is missing" in sentences(Build("buildkit", (step(2, H),)))[0]
    assert "does not show whether" in sentences(Build("classic", (step(2, H),)))[0]


def test_each_target_has_its_own_first_miss() -> None:
    [bake] = read_builds((LOGS / "R16-bake-shared-stage" / "input.txt").read_bytes())
    assert [text for text in sentences(bake) if text.startswith("In target")] == [
        "In target validator, stage runner, every step that the log shows is a hit.",
        "In target tooler, stage runner, the first miss is step 4/4 (RUN rosdep install).",
        "In target tooler, stage prepper, the first miss is step 1/1 (RUN make).",
    ]


def test_the_registrys_error_is_quoted() -> None:
    [bake] = read_builds((LOGS / "R38-bake-real-28" / "input.txt").read_bytes())
    assert sentences(bake)[0].endswith("dial tcp 127.0.0.1:5999: connect: connection refused.")


def test_reasons_are_given_once() -> None:
    [failed] = read_builds((LOGS / "R19-cached-means-skipped" / "input.txt").read_bytes())
    [line] = reasons(failed)
    assert line.startswith("unknown: 2/5, 3/5: the build failed while cache keys were computed")


STEPS = build(
    step(2, H, stage="builder", instruction="RUN npm ci"),
    step(3, R, stage="builder", instruction="COPY . ."),
    step(2, U, stage="web", targets=("app",)),
)


@pytest.mark.parametrize(
    ("wanted", "missed", "unknown"),
    [
        (None, 1, 1), ("builder", 1, 0), ("3/4", 1, 0), ("builder 2/4", 0, 0), ("RUN npm ci", 0, 0), ("npm", 0, 0),
        ("app", 0, 1), ("app 2/4", 0, 1), ("web", 0, 1), ("2/4", 0, 1),
    ],
)  # fmt: skip
def test_what_counts_as_a_miss(wanted: str | None, missed: int, unknown: int) -> None:
    found = misses([STEPS], wanted)
    assert (len(found.missed), len(found.unknown)) == (missed, unknown)
    assert found.looked_at > 0


def test_a_step_that_is_not_there() -> None:
    assert misses([STEPS], "9/9").looked_at == 0


def test_a_prune_before_a_build_is_said_and_one_after_it_not() -> None:
    build = Build("buildkit", lines=(10, 20))
    found = sentences(build, [Prune(6, "Total reclaimed space: 1.27GB"), Prune(25, "Total reclaimed space: 1GB")])
    [line] = [text for text in found if "prune" in text]
    assert line == (
        "Before this build, a prune removed images or build cache (line 6: Total reclaimed space: 1.27GB): what it "
        "removed is in the builder's own cache no more."
    )


def test_a_pattern_names_steps() -> None:
    step = Step("builder", 3, 5, "RUN npm ci", Outcome.RAN)
    for words in ("*npm ci*", "builder ?/5", "RUN npm [ab]*", "RUN*"):
        assert is_named(step, words) is (words != "RUN npm [ab]*"), words


BAKE = (
    "#1 [web internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n"
    "#2 [api internal] load build definition from Dockerfile\n#2 DONE 0.0s\n\n"
    "#3 [web build 2/3] RUN make\n#3 CACHED\n\n#4 [api build 2/3] RUN make\n#4 DONE 9.0s\n\n"
    "#5 [web build 3/3] RUN install\n#5 DONE 1.0s\n\n#6 [api build 3/3] RUN install\n#6 DONE 1.0s\n"
)


def test_a_step_that_hit_for_one_target_and_ran_for_another_is_a_suspect() -> None:
    [found] = read_builds(BAKE)
    upstream = Upstream(ROOT / "boxes")
    [suspect] = [text for text in sentences(found, upstream=upstream) if "suspect" in text]
    assert suspect.startswith("Step 2/3 (RUN make) is a hit in target web and ran in target api, which were built at")
    assert "https://github.com/docker/buildx/issues/3878, open" in suspect and "the log does not prove it" in suspect
    assert not [text for text in sentences(found) if "suspect" in text]


def suspects(name: str) -> list[str]:
    builds = read_builds((LOGS / name / "input.txt").read_bytes())
    found = [text for build in builds for text in sentences(build, upstream=Upstream(ROOT / "boxes"))]
    return [text for text in found if "suspect" in text]


def test_of_public_logs_only_that_of_a_shared_stage_has_a_suspect() -> None:
    [found] = suspects("R16-bake-shared-stage")
    assert found.startswith("Step 4/4 (RUN rosdep install) is a hit in target validator and ran in target tooler")
    others = [path.name for path in LOGS.iterdir() if path.is_dir() and path.name != "R16-bake-shared-stage"]
    assert "R38-bake-real-28" in others
    assert not [name for name in others if suspects(name)]
