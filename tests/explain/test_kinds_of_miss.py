"""Many kinds of miss, each made on purpose and run by a real engine: the cause must be the change that was made.

tests/data/runs/misses is one run of 20.10.24, tests/data/runs/engines one in which others rebuild what 20.10.24 pushed;
only those facts of the boxes that enter a key are stored. The steps are RUN, COPY app.txt, COPY src, COPY *.md, RUN.
"""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.definition import source_record
from lab.buildkit.contenthash.compare import FieldDifference
from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.rulebook import Rulebook
from lab.explain.explanation import Explanation, Role, StepCause
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.explain.upstream import Upstream
from lab.model import Outcome, Verdict
from lab.report.explanation import explanation_text
from lab.report.prediction import Prediction, prediction
from lab.results.contexts import pack
from lab.results.facts import CacheImport
from lab.results.run import Run, Trial, load
from tests.conftest import ROOT
from tests.explain.builds import predicted
from tests.reporting import RUNS

BOOK, UPSTREAM = Rulebook(ROOT / "boxes"), Upstream(ROOT / "boxes")
RUN, ENGINES = load(RUNS / "misses"), load(RUNS / "engines")
HIT, RAN, UNKNOWN = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN
ONE, APP, SRC, MD, TWO = RUN.instructions


def of(variation: str, engine: str = "20.10.24", run: Run = RUN) -> Trial:
    return next(item for item in run.trials if (item.engine, item.variation) == (engine, variation))


def explained(trial: Trial, run: Run = RUN) -> Explanation:
    return explain(subject(run, trial, BOOK), UPSTREAM)


def cause(variation: str, engine: str = "20.10.24", run: Run = RUN) -> StepCause:
    found = explained(of(variation, engine, run), run).cause
    assert found
    return found


@pytest.mark.parametrize("trial", [*RUN.trials, *ENGINES.trials], ids=lambda trial: trial.name)
def test_what_each_engine_did_was_predicted(trial: Trial) -> None:
    run = RUN if trial in RUN.trials else ENGINES
    assert trial.build
    assert predicted(subject(run, trial, BOOK)) == tuple(step.outcome for step in trial.build.steps)
    assert prediction(trial) is Prediction.OK


@pytest.mark.parametrize(
    ("variation", "step", "field", "path", "producer", "consumer"),
    [
        ("mode", APP, "mode", "app.txt", "0644", "0664"),
        ("crlf", APP, "line ends", "app.txt", "LF", "CRLF"),
        ("user-xattr", APP, "user.lab", "app.txt", "absent", "1"),
        ("mode-and-label", APP, "mode", "app.txt", "0644", "0600"),
        ("link-and-mode", APP, "mode", "app.txt", "0644", "0600"),
        ("extra", SRC, "presence", "src/.gitkeep", "absent", "file of 0 bytes"),
        ("missing", SRC, "presence", "src/a.txt", "file of 2 bytes", "absent"),
        ("odd-name", SRC, "presence", r"src/a\tb\n", "absent", "file of 1 byte"),
        ("folder-setgid", SRC, "mode", "src", "0755", "2755"),
        ("line-ends-deep", SRC, "line ends", "src/sub/b.txt", "LF", "CRLF"),
        ("fifo", SRC, "presence", "src/pipe", "absent", "fifo"),
        ("md-extra", MD, "presence", "COPYING.md", "absent", "file of 8 bytes"),
    ],
)
def test_the_one_field_that_was_changed_is_the_cause(
    variation: str, step: str, field: str, path: str, producer: str, consumer: str
) -> None:
    found = cause(variation)
    assert found.instruction == step
    assert [(item.path, item.field, item.producer, item.consumer) for item in found.differences] == [
        (path, field, producer, consumer)
    ]
    assert path in found.sentence
    assert found.advice
    assert any(line.startswith("the producer's record is in it: sha256:") for line in found.evidence)
    assert any(line.startswith("this record is not in the image's inline cache: ") for line in found.evidence)


def test_what_does_not_count_is_evidence_and_no_cause() -> None:
    lines = cause("mode-and-label").evidence
    assert (
        "app.txt: security.selinux: absent at the producer, system_u:object_r:usr_t:s0 here; not hashed by R5" in lines
    )


@pytest.mark.parametrize("variation", ["none", "label-early", "link-only"])
def test_where_all_hit_there_is_no_cause(variation: str) -> None:
    assert {step.role for step in explained(of(variation)).steps} == {Role.HIT}


@pytest.mark.parametrize(
    ("variation", "step", "line"),
    [
        ("env-early", ONE, "ENV WHO=you"),
        ("arg-early", ONE, "ARG SHA=1"),
        ("env-late", TWO, "ENV WHO=you"),
        ("shell-late", TWO, 'SHELL ["/bin/sh","-ec"]'),
    ],
)
def test_a_line_of_the_dockerfile_is_named(variation: str, step: str, line: str) -> None:
    found = cause(variation)
    assert (found.instruction, found.differences) == (step, ())
    assert found.sentence == f'"{line}" comes before it here, not at the producer'
    assert any(item.startswith("the record of its definition at the producer is in it: ") for item in found.evidence)
    assert found.advice and "is correct" in found.advice


def test_a_link_is_compared_by_what_it_leads_to() -> None:
    found = cause("link-and-mode")
    assert "the source leads to app.txt at the producer, to real.txt here" in found.evidence
    assert not any(line.endswith(": none here") for line in found.evidence)


@pytest.mark.parametrize(
    ("variation", "old", "new"), [("renamed", "src/a.txt", "src/z.txt"), ("md-renamed", "README.md", "readme.md")]
)
def test_a_new_name_is_one_difference(variation: str, old: str, new: str) -> None:
    found = cause(variation)
    assert found.sentence.startswith(f"{old} of the producer is {new} here, with the same content; ")
    assert found.advice == "give it the same name on both sides"


def test_what_dockerignore_excludes_is_not_called_missing() -> None:
    found = cause("ignored")
    assert "src/sub and 1 more exists there too, but .dockerignore excludes it here" in found.evidence
    assert found.advice and found.advice.startswith("give both sides the same .dockerignore")


def test_consequences_that_would_miss_by_themselves_say_so() -> None:
    steps = explained(of("everything")).steps
    assert [step.role for step in steps] == [Role.HIT, Role.CAUSE, *[Role.CONSEQUENCE] * 3]
    assert [bool(step.evidence) for step in steps[2:]] == [True, True, False]
    assert (
        steps[3]
        .evidence[0]
        .startswith("it would miss by itself too: line ends of README.md are LF at the producer, CRLF here; ")
    )
    assert [step.evidence for step in explained(of("mode")).steps[2:]] == [(), (), ()]


@pytest.mark.parametrize(
    ("variation", "line"),
    [
        ("mode", "220B on both sides"),
        ("user-xattr", "220B + 15B = 235B: one user.lab of 1 byte on app.txt (15B)"),
        ("crlf", "220B + 1B = 221B: +1 byte of app.txt"),
        ("mode-and-label", "220B + 48B = 268B: one security.selinux of 26 bytes on app.txt (48B)"),
        ("missing", "220B - 40B = 180B: src/a.txt itself"),
        (
            "everything",
            "220B - 43B = 177B: +1 byte of README.md and +1 byte of app.txt and +1 byte of src/a.txt and "
            "src/sub/b.txt itself",
        ),
    ],
)
def test_the_bytes_that_the_client_sent_are_explained(variation: str, line: str) -> None:
    # the numbers are those that the engine printed; 48 = 26 of the label, 16 of its name, 6 around them
    assert f"context sent: {line}" in cause(variation).evidence


def test_modes_have_their_issue_upstream_and_no_version_that_fixes_them() -> None:
    found = cause("mode")
    assert (found.issue, found.fixed) == ("https://github.com/moby/buildkit/issues/3821", None)
    text = explanation_text(explained(of("mode")))
    assert "upstream: https://github.com/moby/buildkit/issues/3821, not fixed in any version known here" in text


def test_two_bugs_are_both_named() -> None:
    boxes = tuple(box.model_copy(update={"rules": "R5, all attributes"}) for box in RUN.boxes)
    run = RUN.model_copy(update={"boxes": boxes})
    found = cause("mode-and-label", run=run)
    assert [item.field for item in found.differences] == ["mode", "security.selinux"]
    assert found.sentence.endswith("hashes them (R5+xattrs=all)")
    assert (
        "upstream on the other difference: https://github.com/moby/buildkit/issues/1330, fixed in Docker 19.03.13"
        in (found.evidence)
    )


# --- two engines


def test_another_rule_for_wildcards_is_a_cause_of_its_own() -> None:
    """20.10.7 began to hash the names that a wildcard matches (buildkit#2018)."""
    found = cause("none", "20.10.5", ENGINES)
    assert (found.instruction, found.differences) == (MD, ())
    assert found.sentence == (
        "Docker 20.10.24+dfsg1 made the digest of the matches of a wildcard by other rules (R5) than "
        "Docker 20.10.5+dfsg1 (R4)"
    )
    assert any(line.startswith("the producer's record is in the image's inline cache: ") for line in found.evidence)


def test_another_line_of_engines_and_another_dockerfile_are_two_causes() -> None:
    engine = cause("none", "26.1.5", ENGINES)
    sentence = (
        "Docker 20.10.24+dfsg1 made the cache, and Docker 26.1.5+dfsg1 writes the definition of this step differently"
    )
    assert (engine.instruction, engine.sentence) == (ONE, sentence)
    assert engine.advice and "26 and later" in engine.advice
    both = cause("env-early", "26.1.5", ENGINES)
    assert both.sentence == '"ENV WHO=you" comes before it here, not at the producer'
    assert f"and {sentence}" in both.evidence
    alike = cause("env-early", "20.10.5", ENGINES)  # 20.10.5 writes a RUN as 20.10.24 does
    assert not any("writes the definition" in line for line in alike.evidence)


def test_an_attribute_that_only_the_producers_engine_hashed() -> None:
    """The sample's box with SELinux pushed from the engine with the fix taken back; the fixed one rebuilds."""
    run = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr")
    box = "debian12-selinux"
    same = next(
        item
        for item in run.trials
        if (item.producer, item.consumer, item.engine, item.variation) == (box, box, "20.10.24", "none")
    )
    trial = with_outcomes(same.model_copy(update={"producer_engine": "20.10.24-unfixed"}), (HIT, RAN, RAN))
    assert predicted(subject(run, trial, BOOK)) == (HIT, RAN, RAN)
    found = explained(trial, run).cause
    assert found
    assert found.sentence == (
        "Docker 20.10.24+dfsg1-unfixed hashes security.selinux of bar and Docker 20.10.24+dfsg1 does not"
    )
    assert any(line.startswith("the producer's record is in the image's inline cache: ") for line in found.evidence)


def with_outcomes(trial: Trial, outcomes: tuple[Outcome, ...]) -> Trial:
    """The trial with other outcomes."""
    assert trial.build
    pairs = zip(trial.build.steps, outcomes, strict=True)
    steps = tuple(step.model_copy(update={"outcome": outcome}) for step, outcome in pairs)
    return trial.model_copy(update={"build": trial.build.model_copy(update={"steps": steps})})


# --- the base, the cache itself, and what cannot be known


def test_a_base_that_moved() -> None:
    assert RUN.base_image
    base = RUN.base_image.model_copy(update={"diff_ids": ("sha256:" + "5" * 64,), "manifests": ("sha256:" + "6" * 64,)})
    run = RUN.model_copy(update={"base_image": base})
    found = cause("env-early", run=run)
    assert found.sentence == "the cache does not begin with this base image"
    assert (
        f"the record of these layers, not in the image's inline cache: {source_record(base.diff_ids)}" in found.evidence
    )
    assert found.advice and "digest" in found.advice


def unread(trial: Trial) -> Trial:
    """The trial as an engine makes it that could not read the cache."""
    ran = with_outcomes(trial, (RAN,) * 5)
    assert ran.build
    build = ran.build.model_copy(update={"imports": (CacheImport(ref="localhost:5000/gone:latest", ok=False),)})
    return ran.model_copy(update={"build": build, "verdict": Verdict.BROKEN, "problem": "the cache could not be read"})


def test_a_cache_that_could_not_be_read_is_the_cause_and_no_contradiction() -> None:
    trial = unread(of("none"))
    steps = explained(trial).steps
    assert [step.role for step in steps] == [Role.CAUSE, *[Role.CONSEQUENCE] * 4]
    assert "could not read the cache of localhost:5000/gone:latest" in steps[0].sentence
    assert steps[0].advice and "docker pull" in steps[0].advice
    assert prediction(trial) is Prediction.UNKNOWN  # a hit was predicted of every step, and none came: for that reason


def test_an_engine_without_an_inline_cache_is_the_cause_and_the_trial_is_not_broken() -> None:
    trial = with_outcomes(of("none"), (RAN,) * 5)
    assert trial.build
    imports = (CacheImport(ref="localhost:5000/app:latest", ok=False, unsupported=True),)
    trial = trial.model_copy(update={"build": trial.build.model_copy(update={"imports": imports})})
    steps = explained(trial).steps
    assert [step.role for step in steps] == [Role.CAUSE, *[Role.CONSEQUENCE] * 4]
    assert "has no inline cache, so it cannot read that of localhost:5000/app:latest" in steps[0].sentence
    assert steps[0].advice and "19.03 or newer" in steps[0].advice
    assert prediction(trial) is Prediction.UNKNOWN


def test_a_known_bug_of_the_engine_is_a_suspect_where_a_prediction_failed() -> None:
    """Up to 26.1 a cache that was imported and exported again loses layers (buildkit#2274)."""
    first = explained(with_outcomes(of("none"), (RAN,) * 5)).steps[0]
    assert (first.role, "a hit was predicted" in first.sentence) == (Role.UNKNOWN, True)
    assert any("buildkit/issues/2274" in line and "fixed in Docker 27.0" in line for line in first.evidence)


def test_a_step_that_a_variation_rewrote_is_shown_where_its_outcome_was_not_read() -> None:
    text = RUN.dockerfile.replace("RUN echo one", "RUN echo uno").encode()
    packed = pack([file("Dockerfile", text), Entry("src", Kind.DIR, 0o755)], None, [])
    run = RUN.model_copy(update={"contexts": {packed.key: packed.context}, "contents": packed.contents})
    trial = of("none").model_copy(update={"context": packed.key, "verdict": Verdict.BROKEN, "problem": "not read"})
    steps = explained(trial, run).steps
    assert steps[0].evidence == ('the Dockerfile that was built here has "RUN echo uno" in its place',)
    assert [step.evidence for step in steps[1:]] == [()] * 4


def test_differences_name_the_rule_sets_that_hash_them() -> None:
    every = tuple(f"R{number}" for number in range(1, 10))
    assert cause("mode").differences == (FieldDifference("app.txt", "mode", "0644", "0664", every),)
