"""Runs held against each other, against a golden table, and on the shelf."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from lab.boxes.transcript import Transcript
from lab.errors import ConfigError, UsageError
from lab.model import Verdict
from lab.report.comparison import compare, comparison_text
from lab.report.evidence import Evidence
from lab.results import golden, shelf
from lab.results.run import Run, load, save
from tests import reporting
from tests.reporting import HIT, RAN, UNKNOWN, WHEN, run, trial


def pair(*trials: object, **fields: object) -> Evidence:
    return Evidence(run(*trials, **fields))  # type: ignore[arg-type]


# --- compare


def test_only_what_changed_is_told_with_why() -> None:
    before = pair(trial("a", "a", (HIT, HIT, HIT)), trial("a", "b", (HIT, HIT, HIT), sent=34))
    made = trial("a", "b", (HIT, RAN, RAN), Verdict.MISSED, expected=(HIT, HIT, HIT), sent=93)
    after = Evidence(run(trial("a", "a", (HIT, HIT, HIT)), made), {made.name: reporting.explained(made)})
    found = compare(before, after)
    assert [(change.cell, change.before, change.after) for change in found.changes] == [
        ("COPY bar bar", "hit", "ran"), ("RUN echo baz", "hit", "ran"), ("verdict", "as expected", "missed"),
    ]  # fmt: skip
    assert (found.same, found.only_before, found.only_after) == (1, (), ())
    assert comparison_text(found).splitlines() == [
        "a>b:19.03.8/copy-bust:none",
        "  COPY bar bar: hit -> ran",
        "  RUN echo baz: hit -> ran",
        "  verdict: as expected -> missed",
        "  why: now: bar has security.selinux on the consumer only",
        "  why: what differs: context bytes sent 34 -> 93",
        "",
        "1 trial changed, 1 did not",
    ]


def test_a_run_against_itself_changes_nothing() -> None:
    for evidence in (reporting.bug(), reporting.sample(), reporting.hostile(), reporting.many(100)):
        found = compare(evidence, evidence)
        assert found.changes == ()
        assert found.same == len(evidence.run.trials)


def test_one_engine_is_held_against_another() -> None:
    before = pair(trial("a", "b", (HIT, RAN, RAN)), trial("a", "a", (HIT, HIT, HIT)))
    after = pair(
        trial("a", "b", (HIT, HIT, HIT), engine="19.03.13"), trial("a", "a", (HIT, HIT, HIT), engine="19.03.13")
    )
    found = compare(before, after)
    assert {(change.trial, change.other, change.cell) for change in found.changes} == {
        ("a>b:19.03.8/copy-bust:none", "a>b:19.03.13/copy-bust:none", cell) for cell in ("COPY bar bar", "RUN echo baz")
    }
    assert "engine 19.03.8 -> 19.03.13" in comparison_text(found)
    assert found.same == 1
    assert comparison_text(found).startswith("engine 19.03.8 is compared with 19.03.13\n\n")
    assert found.to_json()["engines"] == (("19.03.8", "19.03.13"),)


def test_engines_that_gave_the_same_outcomes_are_named_too() -> None:
    before = pair(trial("a", "b", (HIT, HIT, HIT)))
    after = pair(trial("a", "b", (HIT, HIT, HIT), engine="19.03.13", producer_engine="20.10.5"))
    assert comparison_text(compare(before, after)).splitlines() == [
        "engine 19.03.8 is compared with 20.10.5",
        "engine 19.03.8 is compared with 19.03.13",
        "",
        "0 trials changed, 1 did not",
    ]
    assert compare(before, before).engines == ()


def test_another_engine_is_no_pair_where_a_run_has_several_trials_of_these_boxes() -> None:
    """What is left of a run of two engines, one of which is in both runs, is no trial of the same engine."""
    old, new, newer = (trial("a", "b", (HIT, HIT, HIT), engine=name) for name in ("19.03.8", "20.10.24", "26.1.5"))
    found = compare(pair(old, new), pair(new, newer))
    assert (found.same, found.only_before, found.only_after, found.engines) == (1, (old.name,), (newer.name,), ())
    found = compare(pair(old), pair(old, newer))
    assert (found.same, found.only_after) == (1, (newer.name,))


def test_boxes_of_one_name_are_not_held_against_others_where_their_engines_differ() -> None:
    before = pair(*(trial("a", "a", (HIT, HIT, HIT), engine=name) for name in ("19.03.8", "20.10.24")))
    after = pair(*(trial(name, name, (HIT, HIT, HIT), engine="26.1.5") for name in "ba"))
    with pytest.raises(UsageError, match="no trial of the one is in the other") as caught:
        compare(before, after)
    assert caught.value.hint == "the one has a with 19.03.8, 20.10.24; the other b, a with 26.1.5"


def test_trials_of_one_run_only_are_named() -> None:
    both = trial("a", "b", (HIT, HIT, HIT))
    found = compare(pair(both, trial("a", "c", (HIT, HIT, HIT))), pair(both, trial("a", "d", (HIT, HIT, HIT))))
    assert (found.only_before, found.only_after) == (("a>c:19.03.8/copy-bust:none",), ("a>d:19.03.8/copy-bust:none",))
    assert "only in the second:\n  a>d:19.03.8/copy-bust:none" in comparison_text(found)


def test_what_differs_is_told_where_no_cause_is_known() -> None:
    one, other = trial("a", "b", (HIT, HIT, HIT)), trial("a", "b", (HIT, RAN, RAN))
    boxes = tuple(reporting.facts(name, kernel="6.1", selinux="enforcing") for name in "ab")
    found = compare(pair(one), pair(other, boxes=boxes, dockerfile="FROM x\n"))
    [why] = {change.why for change in found.changes}
    assert "consumer's selinux off -> enforcing" in why[-1]
    assert why[-1].endswith("; Dockerfile")
    same = compare(pair(one), pair(other))
    assert same.changes[0].why == ("not known: no recorded fact differs",)


def test_lost_steps_are_unknown() -> None:
    found = compare(
        pair(trial("a", "b", (HIT, HIT, HIT))), pair(trial("a", "b", None, Verdict.BROKEN, problem="gone\nall"))
    )
    assert [(change.before, change.after) for change in found.changes] == [("hit", "unknown")] * 3 + [
        ("as expected", "broken")
    ]
    assert "now: gone" in found.changes[0].why


def test_what_cannot_be_compared() -> None:
    one = pair(trial("a", "b", (HIT, HIT, HIT)))
    with pytest.raises(UsageError, match="a run of copy-bust with one of modes"):
        compare(one, pair(trial("a", "b", (HIT, HIT, HIT)), scenario="modes"))
    labelled = tuple(reporting.facts(name, selinux="enforcing") for name in "cd")
    with pytest.raises(UsageError, match="no trial of the one is in the other") as caught:
        compare(one, pair(trial("c", "d", (HIT, HIT, HIT)), boxes=labelled))
    assert caught.value.hint == "the one has a, b with 19.03.8; the other c, d with 19.03.8"


def test_boxes_of_other_names_are_held_against_those_they_are_most_like() -> None:
    theirs = pair(
        trial("plain", "labelled", (HIT, RAN, RAN)),
        trial("plain", "plain", (HIT, HIT, HIT)),
        trial("plain", "odd", (HIT, HIT, HIT)),
        boxes=(
            reporting.facts("plain", os="Debian 12"),
            reporting.facts("labelled", selinux="permissive"),
            reporting.facts("odd", selinux="enforcing"),
        ),
    )
    mine = pair(
        trial("mac", "centos", (HIT, HIT, HIT), engine="19.03.13"),
        trial("mac", "mac", (HIT, HIT, HIT), engine="19.03.13"),
        trial("debian", "centos", (HIT, HIT, HIT), engine="19.03.13"),
        trial("debian", "debian", (HIT, HIT, HIT), engine="19.03.13"),
        boxes=(
            reporting.facts("mac", "19.03.13", os="Docker Desktop"),
            reporting.facts("debian", "19.03.13", os="Debian 12"),
            reporting.facts("centos", "19.03.13", selinux="enforcing"),
        ),
    )
    found = compare(theirs, mine)
    # the same system before the first of the order; nothing without labels stands in for `odd`
    assert found.boxes == (("plain", "debian"), ("labelled", "centos"))
    assert {(change.trial, change.other, change.cell, change.before, change.after) for change in found.changes} == {
        ("plain>labelled:19.03.8/copy-bust:none", "debian>centos:19.03.13/copy-bust:none", cell, "ran", "hit")
        for cell in ("COPY bar bar", "RUN echo baz")
    }
    assert found.same == 1
    assert found.only_before == ("plain>odd:19.03.8/copy-bust:none",)
    assert len(found.only_after) == 2
    assert comparison_text(found).startswith(
        "plain is compared with debian\nlabelled is compared with centos\nengine 19.03.8 is"
    )
    assert found.to_json()["boxes"] == (("plain", "debian"), ("labelled", "centos"))


def test_a_prediction_that_failed_in_one_run_only_is_a_change() -> None:
    right = trial("a", "b", (HIT, RAN, RAN), predicted=(HIT, RAN, RAN))
    wrong = right.model_copy(update={"predicted": (HIT, HIT, HIT)})
    [change] = compare(pair(right), pair(wrong)).changes
    assert (change.cell, change.before, change.after) == ("predicted", "ok", "contradicted")
    # a run that predicted nothing is no contradiction of one that did
    assert compare(pair(right.model_copy(update={"predicted": None})), pair(right)).changes == ()


def test_a_comparison_is_shown_and_never_obeyed() -> None:
    evil = reporting.hostile()
    changed = evil.run.trials[0].model_copy(update={"verdict": Verdict.UNEXPECTED_HIT})
    found = compare(evil, Evidence(evil.run.model_copy(update={"trials": (changed, evil.run.trials[1])})))
    assert comparison_text(found).replace("\n", "").isprintable()


# --- the golden table


def golden_run(**fields: object) -> Run:
    return run(
        trial("a", "b", (HIT, RAN, RAN), producer_engine="19.03.13"),
        trial("a", "a", (HIT, HIT, HIT)),
        trial("a", "b", (HIT, HIT, HIT), variation="mtime"),
    ).model_copy(update=fields)


def test_a_golden_table_holds_its_own_run(tmp_path: Path) -> None:
    path = golden.save(tmp_path, golden_run())
    assert path == tmp_path / "golden" / "gist.yaml"
    assert golden.check(tmp_path, golden_run()) == ([], 3, [])
    assert path.read_text() == golden.save(tmp_path, golden_run(trials=golden_run().trials[::-1])).read_text()


def test_a_cell_that_changed_is_named(tmp_path: Path) -> None:
    golden.save(tmp_path, golden_run())
    first, *others = golden_run().trials
    changed = trial("a", "b", (HIT, RAN, HIT), producer_engine="19.03.13")
    [difference], held, new = golden.check(tmp_path, golden_run(trials=(changed, *others)))
    assert (held, new) == (3, [])
    assert difference == golden.Difference("a:19.03.13>b:19.03.8/copy-bust:none", "RUN echo baz", "ran", "hit")
    assert first.name


def test_a_trial_that_was_not_made_or_not_read_is_no_pass(tmp_path: Path) -> None:
    golden.save(tmp_path, golden_run())
    first, second, third = golden_run().trials
    lost = second.model_copy(update={"verdict": Verdict.BROKEN})
    found, _, _ = golden.check(tmp_path, golden_run(trials=(first, lost)))
    assert [(item.trial, item.found) for item in found] == [
        *[(f"a>b:19.03.8/copy-bust:{third.variation}", "not made")] * 3,
        *[("a>a:19.03.8/copy-bust:none", "unknown")] * 3,
    ]


def test_a_trial_that_is_new_is_named_and_no_failure(tmp_path: Path) -> None:
    golden.save(tmp_path, golden_run())
    more = trial("b", "a", (HIT, HIT, HIT))
    assert golden.check(tmp_path, golden_run(trials=(*golden_run().trials, more))) == ([], 3, [more.name])


def test_other_steps_are_a_change(tmp_path: Path) -> None:
    golden.save(tmp_path, golden_run())
    found, _, _ = golden.check(tmp_path, golden_run(instructions=("RUN x", "COPY bar bar", "RUN echo baz")))
    assert [item.step for item in found] == ["steps"]


def test_what_is_not_known_cannot_be_golden(tmp_path: Path) -> None:
    unread = trial("a", "b", (HIT, UNKNOWN, UNKNOWN), Verdict.BROKEN)
    for made in (golden_run(complete=False), golden_run(trials=()), golden_run(trials=(unread,))):
        with pytest.raises(UsageError, match="as golden"):
            golden.save(tmp_path, made)
    assert list(tmp_path.iterdir()) == []


def test_a_golden_table_that_is_not_there_or_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        golden.check(tmp_path, golden_run())
    path = golden.save(tmp_path, golden_run())
    path.write_text(path.read_text().replace("[hit,", "[hti,", 1))
    with pytest.raises(ConfigError, match="outcomes"):
        golden.check(tmp_path, golden_run())
    path.write_text(golden.save(tmp_path, golden_run()).read_text().replace("golden: 1", "golden: 2"))
    with pytest.raises(UsageError, match="its format is 2"):
        golden.check(tmp_path, golden_run())


def test_a_golden_table_is_no_part_of_the_context(tmp_path: Path) -> None:
    from lab.run.scenarios import load_scenario
    from tests.conftest import ROOT

    folder = ROOT / "templates" / "scenarios" / "copy-bust"
    assert not {name for name in load_scenario(folder, "x").context if "golden" in name}


# --- the shelf


def shelved(tmp_path: Path, number: int, *, complete: bool = True, minutes: float = 2, trials: int = 2) -> Path:
    folder = tmp_path / f"202601{number:02}T000000Z-copy-bust"
    folder.mkdir()
    made = run(*(trial("a", str(item), (HIT, HIT, HIT)) for item in range(trials)), complete=complete)
    save(folder, made.model_copy(update={"finished": WHEN + timedelta(minutes=minutes)}), "")
    return folder


def test_a_summary_counts_verdicts(tmp_path: Path) -> None:
    folder = tmp_path / "20260101T000000Z-x"
    folder.mkdir()
    made = run(
        trial("a", "b", (HIT, HIT, HIT)),
        trial("a", "c", (HIT, RAN, RAN), Verdict.MISSED),
        trial("a", "d", (HIT, HIT, HIT)),
    )
    save(folder, made, "")
    [item] = shelf.summaries(tmp_path)
    assert item.verdicts == (("as expected", 2), ("missed", 1))
    assert (item.boxes, item.engines) == (("a", "b", "c", "d"), ("19.03.8",))
    assert item.to_json()["started"] == "2026-05-27T18:30:00+00:00"


def test_a_run_that_cannot_be_read_is_listed_with_its_problem(tmp_path: Path) -> None:
    (tmp_path / "20260101T000000Z-half").mkdir()
    (tmp_path / "20260101T000000Z-half" / "run.json").write_text('{"schema": 2, "na')
    [item] = shelf.summaries(tmp_path)
    assert item.problem and item.problem.startswith("cannot read ")


def test_prune_keeps_the_newest_the_sample_and_what_goes_on(tmp_path: Path) -> None:
    old = [shelved(tmp_path, number) for number in range(1, 6)]
    going = shelved(tmp_path, 6, complete=False)
    transcript = Transcript(going / "transcript.jsonl", going.name)  # as the run itself has it open
    stale = shelved(tmp_path, 7, complete=False)
    newest = shelved(tmp_path, 8)
    save_at = tmp_path / "sample"
    save_at.mkdir()
    save(save_at, run(), "")
    (tmp_path / "notes").mkdir()
    assert shelf.prune(tmp_path, 1) == [folder.name for folder in [*old, stale]]
    assert {path.name for path in tmp_path.iterdir()} == {going.name, newest.name, "sample", "notes"}
    assert shelf.prune(tmp_path, 5) == []
    assert [item.name for item in shelf.summaries(tmp_path) if item.running] == [going.name]
    transcript.close()
    assert not any(item.running for item in shelf.summaries(tmp_path))


def test_prune_removes_runs_with_names_of_their_own_by_age_and_nothing_that_lab_did_not_make(tmp_path: Path) -> None:
    def named(folder: str, month: int, **fields: object) -> None:
        (tmp_path / folder).mkdir()
        save(tmp_path / folder, run(started=WHEN.replace(month=month), name=folder).model_copy(update=fields), "")

    first, last = shelved(tmp_path, 1), shelved(tmp_path, 20)
    named("whole", 2)  # as of `merge --output`: between the two
    newest = shelved(tmp_path, 31).rename(tmp_path / "20260331T000000Z-x")
    named("copied", 1, name="20260101T000000Z-other")  # its name is not that of its run
    named("sample", 1)
    (tmp_path / "20260101-foreign").mkdir()
    (tmp_path / "20260101-foreign" / "run.json").write_text("{}")
    assert shelf.prune(tmp_path, 1) == [first.name, last.name, "whole"]
    assert shelf.prune(tmp_path, 0) == [newest.name]
    assert {path.name for path in tmp_path.iterdir() if path.name[0] != "."} == {"copied", "sample", "20260101-foreign"}


def test_runs_that_failed_at_their_start_are_listed_and_removed(tmp_path: Path) -> None:
    def failed(name: str, *more: str) -> Path:
        folder = tmp_path / name
        (folder / ".lab").mkdir(parents=True)
        for file in ("transcript.jsonl", ".lab/plan.json", *more):
            (folder / file).write_text("")
        return folder

    lost = failed("20260101T000000Z-copy-bust")
    kept = [failed("20260102T000000Z-copy-bust", "notes.txt"), failed("notes")]
    going = failed("20260103T000000Z-copy-bust")
    transcript = Transcript(going / "transcript.jsonl", going.name)
    whole = shelved(tmp_path, 4)
    found = shelf.listed(tmp_path)
    assert [(item.name, bool(item.problem)) for item in found] == [(lost.name, True), (whole.name, False)]
    assert shelf.prune(tmp_path, 1) == [lost.name]
    assert all(folder.is_dir() for folder in (*kept, going, whole))
    transcript.close()
    assert shelf.prune(tmp_path, 1) == [going.name]


def test_runs_are_found_by_a_pattern(tmp_path: Path) -> None:
    folders = [shelved(tmp_path, number) for number in (1, 2, 13)]
    assert shelf.matching(tmp_path, "2026010*") == folders[:2]
    with pytest.raises(UsageError, match="cannot find a run that matches"):
        shelf.matching(tmp_path, "2027*")


def test_expected_time_is_the_median_of_earlier_whole_runs(tmp_path: Path) -> None:
    assert shelf.typical_seconds(tmp_path, "copy-bust", "gist", 6) is None
    for number, minutes in ((1, 2), (2, 4), (3, 100)):
        shelved(tmp_path, number, minutes=minutes)
    shelved(tmp_path, 4, minutes=1, complete=False)
    for number, changed in ((5, {"merged": ("a", "b")}), (6, {"resumed": (WHEN,)})):
        folder = shelved(tmp_path, number, minutes=1)
        save(folder, load(folder).model_copy(update=changed))
    # two trials in 4 minutes: two minutes each
    assert shelf.typical_seconds(tmp_path, "copy-bust", "gist", 6) == 720
    assert shelf.typical_seconds(tmp_path, "copy-bust", "debian", 6) is None
