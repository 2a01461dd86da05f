"""Why steps ran, explained from a run of real engines (20.10.5, 20.10.24, 20.10.24 without its fix, 26.1.5, 28.5.2):
tests/data/runs/explained. Expected values are the public facts of the bug report and of BuildKit's source.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab.buildkit.contenthash.compare import FieldDifference
from lab.buildkit.contenthash.entry import Entry, file
from lab.buildkit.rulebook import Rulebook
from lab.cli.explaining import explain as explain_verb
from lab.cli.runs import ending
from lab.errors import CONTRADICTED, DIFFERS, NEXT, Fault, UsageError
from lab.explain.engines import EngineLine, engine_lines
from lab.explain.explanation import Explanation, Role
from lab.explain.predict import options_of
from lab.explain.sent import arithmetic
from lab.explain.steps import explain
from lab.explain.subject import Subject, subject
from lab.explain.upstream import Upstream
from lab.model import Outcome, Verdict
from lab.report.evidence import Evidence, explained
from lab.report.explanation import engines_text, exceptions_text, explanation_text
from lab.report.redact import redact
from lab.report.table import table
from lab.results.contexts import KEPT_IN_ALL, LARGEST_KEPT, StoredContext, load_context, pack
from lab.results.facts import BuildResult, ImageFacts, NamedImage
from lab.results.run import GatheredContext, Production, Run, Trial, load, save
from tests.conftest import ROOT
from tests.explain.builds import predicted
from tests.reporting import RUNS

BOOK, UPSTREAM = Rulebook(ROOT / "boxes"), Upstream(ROOT / "boxes")
RUN = load(RUNS / "explained")
HIT, RAN, UNKNOWN = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN
FIVE = ("20.10.5", "20.10.24", "20.10.24-unfixed", "26.1.5", "28.5.2")
LABEL = "system_u:object_r:container_file_t:s0"
HEADER = b"namemode420uid0gid0size4typeflag0linknameunamegnamedevmajor0devminor0"


def of(engine: str, variation: str, run: Run = RUN) -> Trial:
    return next(item for item in run.trials if (item.engine, item.variation) == (engine, variation))


def about(trial: Trial, run: Run = RUN) -> Subject:
    return subject(run, trial, BOOK)


def explanation(trial: Trial, run: Run = RUN) -> Explanation:
    return explain(about(trial, run), UPSTREAM)


def producing(change: dict[str, object]) -> Run:
    """The run whose first production (20.10.24's) is another one."""
    first, *rest = RUN.productions
    return RUN.model_copy(update={"productions": (first.model_copy(update=change), *rest)})


# --- predictions


@pytest.mark.parametrize("engine", FIVE)
@pytest.mark.parametrize("variation", ["none", "user-xattr", "selinux-label"])
def test_every_prediction_is_what_the_engine_did(engine: str, variation: str) -> None:
    trial = of(engine, variation)
    assert trial.build
    assert predicted(about(trial)) == tuple(step.outcome for step in trial.build.steps)
    assert trial.predicted == predicted(about(trial))  # as it was stored when the trial was made


@pytest.mark.parametrize(
    ("builder", "caching", "passed"),
    [
        ("buildkit", "inline", True),
        ("buildkit", "registry-max", False),
        ("buildx", "inline", False),
        ("buildctl", "inline", False),
        ("buildx-remote", "inline", False),
    ],
)
def test_only_docker_build_passes_an_argument_for_an_inline_cache(builder: str, caching: str, passed: bool) -> None:
    subject = about(of("26.1.5", "none"))
    assert subject.consumer
    assert subject.production
    consumer = subject.consumer.model_copy(update={"builder": builder})
    production = subject.production.model_copy(update={"caching": caching})
    options = options_of(replace(subject, consumer=consumer, production=production))
    assert ("BUILDKIT_INLINE_CACHE" in options.build_args) == passed


def test_a_prediction_does_not_look_at_the_outcome() -> None:
    trial = of("20.10.24", "user-xattr")
    assert predicted(about(trial.model_copy(update={"build": None}))) == trial.predicted


def test_engines_of_two_lines_write_run_differently() -> None:
    # facts: groups whose RUN records match each other are 19.03 to 23, 24 and 25, 26 and later
    mixed = of("26.1.5", "none").model_copy(update={"producer_engine": "20.10.24"})
    assert predicted(about(mixed)) == (RAN, RAN, RAN)
    alike = of("20.10.5", "none").model_copy(update={"producer_engine": "20.10.24"})
    assert predicted(about(alike)) == (HIT, HIT, HIT)


@pytest.mark.parametrize(
    ("change", "outcomes"),
    [
        ({"image": None}, (UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"image": ImageFacts(problem="the registry does not answer")}, (UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"image": ImageFacts(cache="not base64")}, (UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"image": ImageFacts(cache=base64.b64encode(b'[{"digest": 7}]').decode())}, (UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"image": ImageFacts()}, (RAN, RAN, RAN)),  # it was read, and has no inline cache
    ],
)
def test_what_is_not_known_of_the_image_is_not_predicted(
    change: dict[str, object], outcomes: tuple[Outcome, ...]
) -> None:
    assert predicted(about(of("20.10.24", "none"), producing(change))) == outcomes


def test_of_a_context_that_was_not_listed_nothing_is_predicted() -> None:
    lost = of("20.10.24", "none").model_copy(update={"context": None})
    assert predicted(about(lost)) == (UNKNOWN,) * 3


def test_attributes_that_are_not_known_are_not_taken_for_none() -> None:
    made = pack(
        [file("Dockerfile", RUN.dockerfile.encode()), Entry("bar", size=4, content=b"bar\n", problem="?")], None, []
    )
    run = RUN.model_copy(
        update={"contexts": {**RUN.contexts, made.key: made.context}, "contents": {**RUN.contents, **made.contents}}
    )
    trial = of("20.10.24", "none").model_copy(update={"context": made.key})
    assert predicted(about(trial, run)) == (UNKNOWN,) * 3


def test_an_unknown_engine_is_not_predicted() -> None:
    boxes = tuple(box.model_copy(update={"server": "1.2.3", "rules": None}) for box in RUN.boxes)
    assert predicted(about(of("20.10.24", "none"), RUN.model_copy(update={"boxes": boxes}))) == (UNKNOWN,) * 3


def test_the_base_is_read_from_the_image_where_its_own_config_was_not_read() -> None:
    run = RUN.model_copy(update={"base_image": None})
    assert predicted(about(of("28.5.2", "user-xattr"), run)) == (HIT, RAN, RAN)


# --- explanations


def test_the_cause_is_the_field_and_the_rest_is_its_consequence() -> None:
    found = explanation(of("20.10.24", "user-xattr"))
    assert [step.role for step in found.steps] == [Role.HIT, Role.CAUSE, Role.CONSEQUENCE]
    cause = found.cause
    assert cause
    assert cause.sentence == 'user.lab of bar is absent at the producer, "1" here; Docker 20.10.24+dfsg1 hashes it (R5)'
    all_rules = tuple(f"R{number}" for number in range(1, 10))
    assert cause.differences == (FieldDifference("bar", "user.lab", "absent", "1", all_rules),)
    own = sha256(HEADER + b"bar\n").hexdigest()
    content = sha256(f"sha256:{own}".encode()).hexdigest()
    record = sha256(f"sha256:{content}@-1".encode()).hexdigest()
    assert f"digest of bar under R5: sha256:{own} at the producer" in cause.evidence
    assert f"digest of all that is copied: sha256:{content} at the producer" in cause.evidence
    assert f"the producer's record is in it: sha256:{record}" in cause.evidence
    # 17 more bytes are known for user.foo=bar
    assert "context sent: 34B + 15B = 49B: one user.lab of 1 byte on bar (15B)" in cause.evidence
    assert (cause.issue, cause.fixed) == (None, None)
    assert "setfattr -x" in (cause.advice or "")


def test_the_bug_reports_cause_is_named_with_its_fix() -> None:
    found = explanation(of("20.10.24-unfixed", "selinux-label")).cause
    assert found
    assert found.differences[0].field == "security.selinux"
    assert found.differences[0].rules == ("R1", "R5+xattrs=all")
    assert f"context sent: 34B + 59B = 93B: one security.selinux of {len(LABEL)} bytes on bar (59B)" in found.evidence
    assert found.issue == "https://github.com/moby/buildkit/issues/1330"
    assert found.fixed == "Docker 19.03.13"


def test_the_reports_own_numbers_are_explained() -> None:
    # 92 - 34 = 58, a label of 35 letters and its NUL: the gist's context on CentOS 7
    label = b"unconfined_u:object_r:user_tmp_t:s0\0"
    labelled = file("bar", b"bar\n", xattrs={"security.selinux": label})
    assert (
        arithmetic(34, 92, [file("bar", b"bar\n")], [labelled])
        == "34B + 58B = 92B: one security.selinux of 36 bytes on bar (58B)"
    )
    assert arithmetic(92, 34, [labelled], [file("bar", b"bar\n")]) == (
        "92B - 58B = 34B: less security.selinux of 36 bytes on bar (58B)"
    )
    # truth-file as 20.10.24 and 26.1.5 ran it: 38B for app.txt, 50B with an attribute without value, 40B with setgid
    plain = file("app.txt", b"app\n")
    assert arithmetic(38, 50, [plain], [plain.but(xattrs={"user.lab": b""})]) == (
        "38B + 12B = 50B: one user.lab of 0 bytes on app.txt (12B)"
    )
    assert arithmetic(38, 40, [plain], [plain.but(mode=0o2644)]) == "38B + 2B = 40B: the mode of app.txt (+2B)"
    assert arithmetic(34, 34, [], []) == "34B on both sides"
    assert arithmetic(34, 40, [labelled], [labelled]) == "34B + 6B = 40B, not explained by its files"
    assert arithmetic(None, 40, [], []) is None


def test_a_hit_with_a_difference_that_does_not_count_needs_no_cause() -> None:
    found = explanation(of("26.1.5", "selinux-label"))
    assert found.cause is None
    assert {step.role for step in found.steps} == {Role.HIT}


def test_two_lines_of_engines_are_a_cause_of_their_own() -> None:
    mixed = of("26.1.5", "user-xattr").model_copy(update={"producer_engine": "20.10.24"})
    assert mixed.build
    ran = tuple(step.model_copy(update={"outcome": RAN}) for step in mixed.build.steps)
    mixed = mixed.model_copy(update={"build": mixed.build.model_copy(update={"steps": ran})})
    found = explanation(mixed)
    assert [step.role for step in found.steps] == [Role.CAUSE, Role.CONSEQUENCE, Role.CONSEQUENCE]
    assert found.steps[0].sentence == (
        "Docker 20.10.24+dfsg1 made the cache, and Docker 26.1.5+dfsg1 writes the definition of this step differently"
    )


def test_an_image_without_inline_cache_is_the_cause() -> None:
    run = producing({"image": ImageFacts()})
    found = explanation(of("20.10.24", "user-xattr"), run)
    assert found.cause
    # the run saw RUN hit, so only what ran is explained
    assert found.cause.sentence == "the image has no inline cache, so no step can hit"
    assert "BUILDKIT_INLINE_CACHE=1" in (found.cause.advice or "")


def test_of_a_broken_trial_nothing_is_known() -> None:
    trial = of("20.10.24", "none").model_copy(
        update={"verdict": Verdict.BROKEN, "problem": "no end\nlater", "build": None}
    )
    found = explanation(trial)
    assert {step.role for step in found.steps} == {Role.UNKNOWN}
    assert [step.sentence for step in found.steps] == [
        "the trial is broken: no end: later",
        "the trial is broken",
        "the trial is broken",
    ]


def test_a_miss_that_nothing_explains_is_unknown_and_says_what_was_predicted() -> None:
    trial = flipped(of("20.10.24", "none"))
    found = explanation(trial)
    assert [step.role for step in found.steps] == [Role.HIT, Role.UNKNOWN, Role.CONSEQUENCE]
    assert "a hit was predicted" in found.steps[1].sentence


def flipped(trial: Trial) -> Trial:
    """The trial as if an engine had run what it did not."""
    assert trial.build
    first, *rest = trial.build.steps
    steps = (first, *(step.model_copy(update={"outcome": RAN}) for step in rest))
    return trial.model_copy(
        update={"build": trial.build.model_copy(update={"steps": steps}), "verdict": Verdict.MISSED}
    )


def test_a_contradicted_prediction_is_loud_and_has_its_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    trials = tuple(flipped(trial) if trial == of("26.1.5", "none") else trial for trial in RUN.trials)
    run = RUN.model_copy(update={"trials": trials})
    assert ending(RUN) == 0
    assert ending(run) == CONTRADICTED == 12
    said = capsys.readouterr().err
    assert "CONTRADICTED: 1 of 15 trials" in said
    assert "--trial 'local>local:26.1.5/copy-bust:none'" in said
    assert "contradicted" in table(run)
    assert "COPY bar bar ran, hit was predicted" in table(run)
    assert table(RUN).count("contradicted") == 0
    blind = tuple(trial.model_copy(update={"predicted": None}) for trial in trials)
    assert ending(RUN.model_copy(update={"trials": blind})) == DIFFERS


def test_a_broken_trial_gives_the_exit_code_of_whose_fault_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """It comes before a contradiction, which is printed all the same, and before a difference."""
    broken = {"build": None, "verdict": Verdict.BROKEN, "problem": "it ended"}
    first, second, *rest = (flipped(trial) if trial == of("26.1.5", "none") else trial for trial in RUN.trials)
    for faults, code in (
        ((Fault.ENGINE, Fault.COMMAND), 7),
        ((Fault.COMMAND, Fault.REGISTRY), 9),
        ((Fault.COMMAND, Fault.OUTPUT), 8),
        ((None, None), 8),  # as an older version of lab stored it
    ):
        pair = (
            item.model_copy(update={**broken, "fault": fault})
            for item, fault in zip((first, second), faults, strict=True)
        )
        assert ending(RUN.model_copy(update={"trials": (*pair, *rest)})) == code
        said = capsys.readouterr().err
        assert "CONTRADICTED: 1 of 15 trials" in said
        parts = ", ".join(sorted(fault or Fault.COMMAND for fault in dict.fromkeys(faults)))
        assert f"2 of 15 trials broken, because of the {parts}\n" in said
        hint = NEXT[{7: Fault.ENGINE, 8: Fault.COMMAND, 9: Fault.REGISTRY}[code]].partition(":")[0]
        assert f"hint: {hint}" in " ".join(said.split())


def test_an_outcome_that_is_not_known_is_no_miss() -> None:
    first, *rest = RUN.trials
    assert first.build
    steps = tuple(step.model_copy(update={"outcome": UNKNOWN}) for step in first.build.steps)
    build = first.build.model_copy(update={"steps": steps})
    lost = first.model_copy(update={"build": build, "verdict": Verdict.BROKEN})
    assert ending(RUN.model_copy(update={"trials": (lost, *rest)})) == 10


def test_explain_takes_a_pattern_of_trials(tmp_path: Path) -> None:
    save(tmp_path, RUN, "")
    done = CliRunner().invoke(explain_verb, [str(tmp_path), "--trial", "*:26.1.5/*"])
    assert done.exit_code == 0
    shown = [trial.name for trial in RUN.trials if trial.name in done.output]
    assert shown == [trial.name for trial in RUN.trials if trial.engine == "26.1.5"]


# --- a Dockerfile that starts from another image than the run's


def started_from(name: str, *bases: NamedImage) -> Run:
    """The run as if its Dockerfile had named another image after FROM."""
    assert RUN.base
    base = RUN.base.model_copy(update={"reference": "localhost:5000/the-run-chose-this"})
    facts = ImageFacts(diff_ids=("sha256:" + "0" * 64,), env=("PATH=/nowhere",))  # of that image
    dockerfile = RUN.dockerfile.replace(RUN.base.reference, name)
    contexts = {}
    for key, context in RUN.contexts.items():
        rows = tuple(row for row in context.entries if row["path"] != "Dockerfile")
        contexts[key] = context.model_copy(update={"entries": rows})
    changes = {"base": base, "base_image": facts, "bases": bases, "dockerfile": dockerfile, "contexts": contexts}
    return RUN.model_copy(update=changes)


def test_the_image_that_the_dockerfile_names_decides_and_not_the_runs_base() -> None:
    assert RUN.base_image
    read = started_from("localhost:5055/node:20", NamedImage(reference="localhost:5055/node:20", image=RUN.base_image))
    for trial in RUN.trials:
        assert trial.build
        assert predicted(about(trial, read)) == tuple(step.outcome for step in trial.build.steps)


@pytest.mark.parametrize("bases", [(), (NamedImage(reference="node:20", image=ImageFacts(problem="no answer")),)])
def test_an_image_that_was_not_read_makes_its_steps_unknown(bases: tuple[NamedImage, ...]) -> None:
    run = started_from("node:20", *bases)
    trial = of("20.10.24", "none", run)
    assert set(predicted(about(trial, run))) == {UNKNOWN}
    assert "the image of FROM node:20" in (about(trial, run).base_problem or "")


def test_explain_shows_a_contradiction_where_all_steps_hit(tmp_path: Path) -> None:
    """A step that hit needs no cause, but one that was to run does not hide among those."""
    wrong = of("26.1.5", "none").model_copy(update={"predicted": (HIT, RAN, RAN)})
    run = RUN.model_copy(update={"trials": (wrong, of("28.5.2", "none"))})
    save(tmp_path, run, "")
    done = CliRunner().invoke(explain_verb, [str(tmp_path)])
    assert done.exit_code == 0
    assert done.output.splitlines()[:3] == [
        wrong.name,
        "  CONTRADICTED: COPY bar bar hit, ran was predicted",
        "  CONTRADICTED: RUN echo baz hit, ran was predicted",
    ]
    assert f"all steps hit:\n  {of('28.5.2', 'none').name}" in done.output
    document = json.loads(CliRunner().invoke(explain_verb, [str(tmp_path), "--json"]).output)
    assert [len(item["contradicted"]) for item in document["trials"]] == [2, 0]


def test_a_run_of_an_older_lab_has_no_explanations() -> None:
    old = load(RUNS / "schema-1")
    assert explained(Evidence(old), ROOT / "boxes").explanations == {}
    trial = old.trials[-1]
    assert {step.role for step in explanation(trial, old).steps} <= {Role.HIT, Role.UNKNOWN, Role.CONSEQUENCE}


def test_explanations_survive_the_disk_and_redaction() -> None:
    again = Run.model_validate_json(RUN.to_json())
    evidence = explained(Evidence(again), ROOT / "boxes")
    assert evidence.explanations == {trial.name: explanation(trial) for trial in RUN.trials}
    assert set(evidence.contexts) >= {trial.name for trial in RUN.trials}
    shown = redact(evidence)
    assert shown.run.contents == again.contents  # nothing in these files is a secret or a name
    assert shown.explanations == evidence.explanations


def test_text_is_at_most_100_columns_wide() -> None:
    for trial in RUN.trials:
        lines = [
            *explanation_text(explanation(trial)).splitlines(),
            *engines_text(engine_lines(about(trial))).splitlines(),
        ]
        # a digest or an address is not broken
        assert all(len(line) <= 100 or "sha256:" in line or "https://" in line for line in lines)


# --- engines


def by_versions(lines: list[EngineLine]) -> dict[str, Outcome]:
    return {version: line.outcome for line in lines for version in line.versions}


def test_one_run_tells_of_every_engine() -> None:
    found = by_versions(engine_lines(about(of("28.5.2", "selinux-label"))))
    runs = {version for version, outcome in found.items() if outcome is RAN}
    # moby#41222 is in 19.03.13 and 20.10.0; 18.09 has no inline cache
    assert runs == {"18.09.0 to 18.09", "19.03.0 to 19.03.12", "20.10.24-unfixed"}
    assert {outcome for version, outcome in found.items() if version not in runs} == {HIT}
    every = by_versions(engine_lines(about(of("28.5.2", "user-xattr"))))
    assert set(every.values()) == {RAN}


def test_what_is_not_known_is_unknown_under_every_engine() -> None:
    lost = of("20.10.24", "none").model_copy(update={"context": "gone"})
    lines = engine_lines(about(lost))
    assert {line.outcome for line in lines if line.why != "no inline cache"} == {UNKNOWN}
    assert "its files were not recorded" in engines_text(lines)


def test_versions_whose_import_is_dead_are_named() -> None:
    assert "Docker 27.0.1 to 27.1" in exceptions_text(UPSTREAM)
    assert "buildkit/issues/5242" in exceptions_text(UPSTREAM)


# --- storage


def stored(entries: list[Entry]) -> tuple[Run, StoredContext]:
    made = pack(entries, None, list(BOOK.rule_sets.values()))
    run = RUN.model_copy(update={"contexts": {made.key: made.context}, "contents": made.contents})
    found = load_context(Run.model_validate_json(run.to_json()), made.key)
    assert isinstance(found, StoredContext)
    return run, found


def test_a_large_content_is_left_out_and_its_digests_are_kept() -> None:
    large = file("large", b"x" * (LARGEST_KEPT + 1), xattrs={"security.selinux": b"l\0", "user.a": b"1"})
    run, found = stored([large])
    assert len(run.to_json()) < 60_000
    for name in ("R1", "R2", "R5", "R9"):
        rules = BOOK.rules(name)
        node = found.tree(rules).get("/large")
        keeps = b"security.selinuxl\0user.a1" if name == "R1" else b"user.a1"
        size = str(LARGEST_KEPT + 1).encode()
        want = sha256(HEADER.replace(b"size4", b"size" + size) + keeps + b"x" * (LARGEST_KEPT + 1)).hexdigest()
        assert node
        assert node.whole.text == f"sha256:{want}"


def test_a_run_of_many_files_stays_small_and_equal_contents_lie_there_once() -> None:
    entries = [file(f"f{number}", bytes([number % 7]) * 40_000) for number in range(40)]
    run, found = stored(entries)
    assert len(run.contents) == min(7, KEPT_IN_ALL // 40_000)
    rules = BOOK.rules("R5")
    assert all(node.whole.text for entry in entries if (node := found.tree(rules).get(f"/{entry.path}")))


def test_times_do_not_make_two_contexts_of_one() -> None:
    one, other = (Entry("bar", size=4, content=b"bar\n", mtime_ns=moment) for moment in (1, 2))
    assert pack([one], None, []).key == pack([other], None, []).key
    assert pack([one.but(mode=0o600)], None, []).key != pack([one], None, []).key


@pytest.mark.parametrize(
    ("context", "contents", "reason"),
    [
        (GatheredContext(problem="no find"), {}, "could not be listed: no find"),
        (GatheredContext(entries=({"path": "/abs", "type": "file"},)), {}, "mode_octal is missing"),
        (GatheredContext(entries=({"path": "..", "type": "dir", "mode_octal": "0755"},)), {}, "not a path inside"),
        (
            GatheredContext(entries=({"path": "a", "type": "file", "mode_octal": "0644", "content_sha256": "0"},)),
            {"0": "!!"},
            "cannot read the content of a",
        ),
        (
            GatheredContext(entries=({"path": "a", "type": "file", "mode_octal": "0644", "content_sha256": "0"},)),
            {"0": base64.b64encode(gzip.compress(b"other")).decode()},
            "does not match its sha256",
        ),
    ],
)
def test_records_that_are_damaged_are_a_reason_and_no_error(
    context: GatheredContext, contents: dict[str, str], reason: str
) -> None:
    run = RUN.model_copy(update={"contexts": {"k": context}, "contents": contents})
    found = load_context(run, "k")
    assert isinstance(found, str)
    assert reason in found


def test_a_stored_run_is_small() -> None:
    assert len((RUNS / "explained" / "run.json").read_bytes()) < 100_000
    assert len(json.dumps(RUN.model_dump(mode="json")["contexts"])) < 3000  # 20 contexts, 3 of which differ


def test_a_production_that_failed_leaves_its_trials_unknown() -> None:
    run = producing({"image": None, "context": None, "problem": "no space left"})
    assert predicted(about(of("20.10.24", "none"), run)) == (UNKNOWN,) * 3
    assert isinstance(run.productions[0], Production)
    assert isinstance(of("20.10.24", "none").build, BuildResult)


def test_a_run_without_trials_is_not_called_old(tmp_path: Path) -> None:
    save(tmp_path / "empty", RUN.model_copy(update={"trials": (), "productions": ()}))
    found = CliRunner().invoke(explain_verb, [str(tmp_path / "empty")]).exception
    assert isinstance(found, UsageError)
    assert found.message == f"cannot explain {RUN.name}: it has no trial"
    assert found.hint == "`python -m lab runs` lists the runs with their trials"
