"""What the page says, part by part; how it looks and behaves is tested in a browser, beside this."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab.boxes import transcript
from lab.buildkit.contenthash.compare import FieldDifference, show_value
from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.errors import ConfigError, UsageError
from lab.explain.explanation import Explanation, Role, StepCause
from lab.model import Exchange, Outcome, Verdict
from lab.project import Project
from lab.report.bundle import evidence_of
from lab.report.evidence import Evidence, explained
from lab.report.formats import FORMATS
from lab.report.page import text
from lab.report.page.commands import Stories, cut, lines_of
from lab.report.page.dockerfile import Step, marked
from lab.report.page.document import render
from lab.report.page.lead import lead
from lab.report.page.matrix import panels
from lab.report.page.records import compare, spans
from lab.report.page.timeline import timeline
from lab.report.page.trial import KNOWN, LOOKS, View, view
from lab.report.redact import redact
from lab.report.trials import in_order
from lab.results import run as results
from lab.results.facts import BoxFacts, StepResult
from lab.results.run import Production, Run, Trial
from tests import page_runs
from tests.conftest import ROOT, Lab
from tests.page_runs import Made

pytestmark = pytest.mark.slow

TEXTS = Project(ROOT, ROOT).texts("page")
SAMPLE = ROOT / "tests" / "data" / "runs" / "default-and-user-xattr"
HIT, RAN, ERROR, UNKNOWN = Outcome.HIT, Outcome.RAN, Outcome.ERROR, Outcome.UNKNOWN
WHEN = datetime(2026, 5, 27, 18, 30, tzinfo=UTC)
CLOSING = "</script></style></pre><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"


def drawn(made: Made) -> str:
    return render(made.evidence, TEXTS)


def views(made: Made) -> list[View]:
    return [view(number, made.evidence, trial) for number, trial in enumerate(in_order(made.run), 1)]


def sample() -> tuple[Exchange, ...]:
    return transcript.exchanges((SAMPLE / "transcript.jsonl").read_bytes(), "the sample")


def words(markup: str) -> str:
    """The text of markup."""
    return html.unescape(re.sub(r"<[^>]*>", " ", markup))


def hostile() -> Made:
    """A run whose every name, step, file and output tries to be something else."""
    instructions = (
        f"RUN echo '{CLOSING}'",
        'COPY "a\' b" --> <!-- {{ run }} {% raw %} ${x} `y`',
        "RUN echo \x1b[31mred\x1b[0m \x1b]0;title\x07 \x00\x07 \u202etxt.exe\u202c \u2066x\u2069 \u2028 \ufeff",
        "RUN " + "x" * 4000,
    )
    outcomes = (HIT, RAN, ERROR, UNKNOWN)
    boxes = ("a" * 300, f"b\"'><b>{CLOSING}", "\u05d0\u05d1\u05d2 \u202e")
    made = page_runs.made(boxes, ("1.0 & <2>", "'\"\\ \u202e"), ("none",))
    steps = tuple(
        StepResult(instruction=a, outcome=b, expected=HIT) for a, b in zip(instructions, outcomes, strict=True)
    )
    trials, causes, contexts = [], [], {}
    for number, trial in enumerate(made.run.trials):
        assert trial.build
        change = {
            "build": trial.build.model_copy(update={"steps": steps}),
            "verdict": list(Verdict)[number % 4],
            "predicted": (HIT, HIT, HIT, UNKNOWN),
            "variation": f"v{CLOSING}" if number % 2 else "none",
            "because": CLOSING,
            "problem": f"{CLOSING}\n\x1b[2Jcleared\rover" if number % 4 == 3 else None,
        }
        trials.append(trial.model_copy(update=change))
        difference = FieldDifference(CLOSING, f"user.{CLOSING}", CLOSING * 40, "\u202e", ("R1", "<R>"))
        cause = StepCause(
            instructions[1],
            Role.CAUSE,
            CLOSING,
            (difference,),
            (CLOSING,),
            "javascript:window.hacked=1",
            CLOSING,
            CLOSING,
        )
        causes.append(Explanation(trial.name, (cause,)))
        if number % 2:
            attributes = {CLOSING: CLOSING.encode() + b"\x00\xff\x1b", "\u202e": b""}
            contexts[trial.name] = [
                file("b" * 4000, b""),
                file(CLOSING, b"", xattrs=attributes),
                file("\udcff\ud800", b""),
            ]
    scenario = f"copy-bust{CLOSING}"
    phases = [about for about in made.contexts if about.endswith(":produce")]
    contexts |= {about.replace("copy-bust", scenario): [file(CLOSING, b"x")] for about in phases}
    run = made.run.model_copy(
        update={
            "summary": CLOSING,
            "dockerfile": f"FROM {CLOSING}\n" + "\n".join(instructions),
            "instructions": instructions,
            "trials": tuple(trials),
            "boxes": tuple(
                box.model_copy(update={"info": CLOSING, "version": "\x1b[31m" + CLOSING, "sums": {CLOSING: CLOSING}})
                for box in made.run.boxes
            ),
        }
    )
    exchanges = [
        replace(
            item,
            about=item.about.replace("copy-bust", scenario) if item.about in phases else item.about,
            argv=(*item.argv, CLOSING, "it's\n\u202e", "\udcff", "\n", ""),
            stdout=f"{CLOSING}\n\x1b[31mred\x1b[0m\n]]>\n{'y' * 5000}".encode(),
            stderr=b"\xff\xfe</pre>\x00",
        )
        for item in made.exchanges
    ]
    return Made(run.model_copy(update={"scenario": scenario}), causes, contexts, exchanges)


def test_the_sample_in_full() -> None:
    run, exchanges = results.load(SAMPLE), sample()
    page = render(Evidence(run, exchanges=exchanges), TEXTS)
    said = words(page)
    for trial in run.trials:
        assert trial.name in said
    for item in exchanges:
        for stream in (item.stdout, item.stderr):
            for line in stream.decode().strip("\n").split("\n"):
                assert line in said
    assert "left out" not in said
    assert "All 10 trials have the expected outcome; for 4 of them that is a miss." in said
    assert "Not known: the run has no explanation of this trial." in said
    assert "This run did not record the files." in said


def test_the_page_is_the_same_each_time() -> None:
    assert drawn(page_runs.rich()) == drawn(page_runs.rich())


def test_no_address_is_asked_for_anything() -> None:
    page = drawn(page_runs.rich())
    assert not re.findall(
        r"<(?:link|script|img|iframe|object|embed|source|video|audio|base|form)\b[^>]*(?:src|action)=", page
    )
    assert re.findall(r"<link [^>]*href=\"(\w+:)", page) == ["data:"]
    assert not re.findall(r"url\(|@import|\bfetch\(|XMLHttpRequest|WebSocket|import\(", page)
    assert " style=" not in page and not re.findall(r"\son\w+=", page)


@pytest.mark.parametrize("trials", [16, 500])
def test_a_large_run_stays_small(trials: int) -> None:
    """How long it takes is measured by benchmarks/page.py."""
    made = page_runs.large(trials)
    assert len(made.run.trials) == trials
    page = drawn(made)
    assert page.count("<details class=trial") == trials
    assert len(page.encode()) < 1_500_000


def test_long_names_and_many_steps_stay_small_too() -> None:
    made = page_runs.large(500)
    steps = tuple(f"RUN apt-get install --yes package-number-{number} and-its-many-words" for number in range(12))
    results_of = tuple(StepResult(instruction=step, outcome=RAN, expected=RAN, seconds=1.5) for step in steps)
    trials = tuple(
        trial.model_copy(update={"build": trial.build and trial.build.model_copy(update={"steps": results_of})})
        for trial in made.run.trials
    )
    made.run = made.run.model_copy(
        update={"trials": trials, "instructions": steps, "dockerfile": "FROM x\n" + "\n".join(steps)}
    )
    page = drawn(made)
    assert len(page.encode()) < 1_500_000
    assert page.count("<details class=trial") == 500


def test_a_large_run_loses_nothing_by_packing() -> None:
    made = page_runs.large(300)
    page = drawn(made)
    [packed] = re.findall(r'id="store">([^<]*)<', page)
    pieces = json.loads(gzip.decompress(base64.b64decode(packed)))
    assert len(pieces) == 300 + len(made.run.productions) + len(made.run.boxes)
    for piece, box in zip(pieces[-len(made.run.boxes) :], made.run.boxes, strict=True):
        assert box.info in html.unescape(piece)
    said = [words(piece) for piece in pieces]
    for number, trial in enumerate(in_order(made.run)):
        for item in made.exchanges:
            if item.about == trial.name:
                assert all(line in said[number] for line in item.stderr.decode().split("\n"))
    assert re.findall(r"data-k=(\d+)", page)[:301] != []


def test_output_is_cut_with_a_count() -> None:
    lines = [f"line {number}" for number in range(1000)]
    shown = cut("stdout", lines_of(("\n".join(lines) + "\n").encode()), 400)
    kept = [*shown.head.split("\n"), *shown.tail.split("\n")]
    assert (len(kept), shown.left_out) == (400, 600)
    assert kept[0] == "line 0" and kept[-1] == "line 999"
    made = page_runs.rich()
    made.exchanges[5] = replace(made.exchanges[5], stdout="\n".join(lines).encode())
    assert words(drawn(made)).count("600 lines left out") == 1


def test_a_long_line_is_cut_with_a_count() -> None:
    shown = cut("stdout", lines_of(b"a" * 10_000), 400).head
    assert len(shown) < 2100
    assert "[… 8000 characters …]" in shown


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (0.0, "0.00 s"), (9.994, "9.99 s"), (9.996, "10.0 s"), (99.96, "1 min 40 s"), (125.4, "2 min 5 s"),
     (3661, "1 h 1 min")],
)  # fmt: skip
def test_durations_as_people_say_them(value: float | None, said: str) -> None:
    assert text.seconds(value) == said


def test_commands_as_shown_are_the_commands() -> None:
    """A real shell reads what is shown, and must come to the recorded words."""
    kept = [*sample(), *hostile().exchanges]
    stories = Stories(kept)
    for name in dict.fromkeys(item.about for item in kept):
        told = stories.of(name, 400)
        mine = [item for item in kept if item.about == name]
        assert len(told.commands) == len(mine)
        for item, shown in zip(mine, told.commands, strict=True):
            assert shown.text.isascii() and all(letter.isprintable() or letter == "\n" for letter in shown.text)
            folder = f"D={told.folder}\n" if told.folder else ""
            script = f"{folder}env -i printf '%s\\0' {shown.text}"
            said = subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout
            meant = [*(f"{key}={value}" for key, value in sorted(item.env.items())), *item.argv]
            assert said == b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in meant)


def test_folders_are_named_where_they_change() -> None:
    made = page_runs.rich()
    told = Stories(made.exchanges).of(made.run.trials[-1].name, 400)
    assert [command.folder for command in told.commands] == [None, None, '"$D"/context', None, None]
    assert told.lines == (len(made.exchanges) - 4 + 1, len(made.exchanges) + 1)


@pytest.mark.parametrize("strange", [float("nan"), float("inf"), -1.0])
def test_a_duration_that_is_none_harms_nothing(strange: float) -> None:
    made = page_runs.rich()
    made.exchanges[3] = replace(made.exchanges[3], seconds=strange)
    assert "0.00 s" in words(drawn(made))


def dockerfile_words(dockerfile: str, steps: list[tuple[str, Outcome]]) -> list[tuple[int | None, str, bool]]:
    made = [Step(name, outcome, None, None, "", None) for name, outcome in steps]
    return [(line.number, line.word, line.first) for line in marked(dockerfile, made)]


def test_every_line_of_a_dockerfile_is_marked() -> None:
    dockerfile = (
        "# syntax=docker/dockerfile:1\n"
        "FROM a AS b\n"
        "\n"
        "ARG X=1\n"
        "run  echo one \\\n"
        "  # a comment within\n"
        "  && echo two\n"
        "COPY <<EOF /a\n"
        "RUN not an instruction\n"
        "EOF\n"
        "COPY $X /x\n"
        "RUN echo same\n"
        "RUN echo same\n"
        "RUN nobody stated this\n"
    )
    steps = [
        ("run echo one && echo two", HIT),
        ("COPY <<EOF /a", RAN),
        ("COPY 1 /x", RAN),
        ("RUN echo same", HIT),
        ("RUN echo same", RAN),
        ("WORKDIR /elsewhere", ERROR),
    ]
    assert dockerfile_words(dockerfile, steps) == [
        (1, "", True),
        (2, "base", True),
        (3, "", True),
        (4, "", True),
        (5, "hit", True),
        (6, "hit", False),
        (7, "hit", False),
        (8, "ran", True),
        (9, "ran", False),
        (10, "ran", False),
        (11, "ran", True),
        (12, "hit", True),
        (13, "ran", True),
        (14, "unknown", True),
        (None, "error", True),
    ]


@pytest.mark.parametrize("dockerfile", ["", "\n", "RUN a \\", "RUN a \\\n\n# c", "RUN <<X", "# escape=`\nRUN a `\n b"])
def test_an_odd_dockerfile_loses_no_line_and_no_step(dockerfile: str) -> None:
    lines = marked(dockerfile, [Step("RUN a b", HIT, None, None, "", None)])
    assert [line.text for line in lines if line.number] == dockerfile.splitlines()
    assert any(line.step for line in lines)


def test_what_was_not_read_is_unknown() -> None:
    made = page_runs.rich()
    first = made.run.trials[0]
    assert first.build
    short = first.build.model_copy(update={"steps": first.build.steps[:1]})
    for build, said in ((short, ["hit", "unknown", "unknown"]), (None, ["unknown"] * 3)):
        made.run = made.run.model_copy(update={"trials": (first.model_copy(update={"build": build}),)})
        [shown] = views(made)
        assert [step.outcome.value for step in shown.steps] == said
        assert [line.word for line in shown.lines] == ["base", *said]
        assert "hit" not in shown.has.split()
        [panel] = panels(made.run, [shown])
        assert [matrix.rows[0][1][0][0].word for matrix in panel.matrices[1:]] == said
        drawn(made)


def test_sides_that_differ_come_first_and_are_counted() -> None:
    producer = [file(f"f{number}", b"same") for number in range(30)] + [file("gone", b"same")]
    consumer = [file(f"f{number}", b"same", 0o664 if number == 7 else 0o644) for number in range(30)]
    consumer.append(Entry("new", Kind.SYMLINK, 0o777, linkname="f1"))
    found = compare(producer, consumer, [FieldDifference("f7", "mode", "0644", "0664", ("R1", "R2"))])
    assert [file.path for file in found.files] == ["f7", "gone", "new"]
    assert (found.equal, found.more, found.whole) == (29, 0, True)
    fields = {field.name: field for field in found.files[0].fields}
    assert (fields["mode"].producer, fields["mode"].consumer) == ("0644", "0664")
    assert fields["mode"].rules == ("R1", "R2")
    assert [name for name, field in fields.items() if field.differs] == ["mode"]
    gone = [(field.name, field.producer, field.consumer) for field in found.files[1].fields]
    assert gone == [("presence", "file of 4 bytes", "absent")]
    new = [(field.name, field.producer, field.consumer) for field in found.files[2].fields]
    assert new == [("presence", "absent", "symlink")]


def test_times_are_told_but_never_count() -> None:
    one = replace(file("bar", b"bar\n", xattrs={"user.x": b"\xff\0"}), mtime_ns=1_795_469_386_000_000_001)
    found = compare([one], [replace(one, mtime_ns=1)], [])
    [bar] = found.files
    assert (bar.differs, found.equal) == (0, 0)
    fields = {field.name: field for field in bar.fields}
    # date -u -d @1795469386
    assert fields["mtime"].producer == "2026-11-23 21:29:46.000000 UTC"
    assert fields["mtime"].differs and not fields["mtime"].counts
    assert fields["user.x"].producer == show_value(b"\xff\0") == "0xff00 (2 bytes)"
    assert fields["content"].producer == "4 bytes"


def test_a_content_that_differs_alone_is_seen() -> None:
    found = compare([file("bar", b"bar\n")], [file("bar", b"baz\n")], [])
    assert [field.name for field in found.files[0].fields if field.counts] == ["content"]


def test_a_value_that_reads_absent_is_not_an_absent_one() -> None:
    found = compare([file("f", b"", xattrs={"user.x": b"absent"})], [file("f", b"")], [])
    assert [field.name for field in found.files[0].fields if field.counts] == ["user.x"]


def test_equal_sides_show_one_file_and_count_the_rest() -> None:
    files = [file(f"f{number}", b"") for number in range(5)]
    found = compare(files, files, [])
    assert ([file.path for file in found.files], found.equal) == (["f0"], 4)
    assert compare([], [], []).files == ()


def test_without_records_the_differences_are_shown() -> None:
    nothing: list[Entry] = []
    for producer, consumer in ((None, None), (nothing, None), (None, nothing)):
        found = compare(producer, consumer, [FieldDifference("bar", "mode", "0644", "0664", ("R9",))])
        assert (found.files[0].path, found.files[0].differs, found.whole) == ("bar", 1, False)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (("R1",), "R1"),
        (("R1", "R2", "R3", "R5"), "R1 to R3, R5"),
        (("R9", "R8"), "R8 to R9"),
        (("odd", "R2"), "R2, odd"),
    ],
)
def test_rule_sets_are_drawn_together(rules: tuple[str, ...], said: str) -> None:
    assert spans(rules) == said


def test_the_time_line_adds_up() -> None:
    made = page_runs.rich()
    line = timeline(made.evidence, views(made))
    assert line
    assert [lane.box for lane in line.lanes] == ["debian12-apparmor", "debian12-selinux"]
    for lane in line.lanes:
        assert lane.rows == 1
        assert len(lane.bars) == 2 + 8
        mine = [item for item in made.exchanges if item.box == lane.box]
        built = sum(item.seconds for item in mine if "build" in item.argv)
        pushed = sum(item.seconds for item in mine if "push" in item.argv)
        assert dict(lane.spent)["build"] == text.seconds(built)
        assert dict(lane.spent)["push"] == text.seconds(pushed)
        ends = [float(bar.left) + float(bar.width) for bar in lane.bars]
        assert max(ends) <= 100.2
        # the strip's strokes are as long as the commands took, to one unit a command
        whole = max(map(ended, made.exchanges)) - min(item.started.timestamp() for item in made.exchanges)
        drawn_builds = sum(map(int, re.findall(r"h(\d+)v", dict(lane.paths)["build"])))
        assert drawn_builds == pytest.approx(built / whole * 10_000, abs=len(mine))


def ended(exchange: Exchange) -> float:
    return exchange.started.timestamp() + exchange.seconds


def test_commands_that_touch_on_the_drawing_are_one_stroke() -> None:
    """Thousands of short ones would make the page large and draw the same picture."""
    made = page_runs.rich()
    at = [(0, 1), (1, 1), (5, 2), (5.5, 1), (9, 1)]
    made.exchanges = [
        replace(made.exchanges[0], argv=("true",), started=WHEN + timedelta(seconds=start), seconds=lasted)
        for start, lasted in at
    ]
    line = timeline(made.evidence, views(made))
    assert line
    assert line.lanes[0].paths == (("prepare", "M0 0h2000v9h-2000M5000 0h2000v9h-2000M9000 0h1000v9h-1000"),)


def test_what_runs_at_once_on_a_box_has_rows_of_its_own() -> None:
    made = page_runs.rich()
    at = [(0, 10, "one"), (5, 10, "two"), (12, 2, "three")]
    made.exchanges = [
        replace(made.exchanges[0], about=about, started=WHEN + timedelta(seconds=start), seconds=lasted)
        for start, lasted, about in at
    ]
    line = timeline(made.evidence, views(made))
    assert line
    [lane] = line.lanes
    assert lane.rows == 2
    assert [(bar.words, bar.top) for bar in lane.bars] == [("one", 0), ("two", 26), ("three", 0)]
    assert (lane.busy, lane.idle, line.took) == ("15.0 s", "0.00 s", "15.0 s")


def test_an_answer_of_an_earlier_run_is_not_drawn() -> None:
    made = page_runs.rich()
    drawn_before = timeline(made.evidence, views(made))
    earlier = made.run.started - timedelta(days=1)
    made.exchanges = [*made.exchanges, replace(made.exchanges[0], about="a:28.5.2/facts", started=earlier)]
    assert timeline(made.evidence, views(made)) == drawn_before


def test_without_a_transcript_the_runs_own_times_are_drawn() -> None:
    made = page_runs.rich()
    made.exchanges = []
    line = timeline(made.evidence, views(made))
    assert line
    assert [len(lane.bars) for lane in line.lanes] == [8, 8]
    assert line.lanes[0].spent == ()
    assert "not recorded" in words(drawn(made))


def test_without_any_time_there_is_no_time_line() -> None:
    made = page_runs.rich()
    trials = tuple(trial.model_copy(update={"started": None, "seconds": None}) for trial in made.run.trials)
    made.run, made.exchanges = made.run.model_copy(update={"trials": trials}), []
    page = drawn(made)
    assert 'id="time"' not in page and 'href="#time"' not in page
    assert "The transcript has no command of this part." in page


@pytest.mark.parametrize("lasted", [0.001, 1, 59, 3600, 1e6, 1e9])
def test_ticks_are_few(lasted: float) -> None:
    made = page_runs.rich()
    made.exchanges = [replace(made.exchanges[0], seconds=lasted)]
    line = timeline(made.evidence, [])
    assert line and 1 <= len(line.ticks) <= 11


def test_the_lead_names_step_cause_and_trials() -> None:
    made = page_runs.rich()
    top = lead(made.evidence, views(made))
    assert (top.step, top.sentence) == (
        "COPY bar bar",
        "misses on debian12-selinux with Docker 20.10.24-unfixed: security.selinux of bar differs.",
    )
    assert top.result == "2 of 16 trials do not have the expected outcome."
    assert [(count.word, count.look, count.count) for count in top.counts] == [
        ("as expected", "expected", 6),
        ("miss, as expected", "known", 8),
        ("missed", "missed", 2),
    ]
    first = top.cards[0]
    assert (first.step, first.what, first.why) == (
        "COPY bar bar",
        "misses although a hit is expected",
        page_runs.SENTENCE,
    )
    assert {(item.trial.producer, item.trial.consumer, item.trial.engine) for item in first.trials} == {
        ("debian12-apparmor", "debian12-selinux", "20.10.24-unfixed"),
        ("debian12-selinux", "debian12-apparmor", "20.10.24-unfixed"),
    }
    assert [card.unexpected for card in top.cards] == [True, False, False]


def changed(**fields: object) -> Made:
    made = page_runs.rich()
    made.run = made.run.model_copy(update={"trials": (made.run.trials[0].model_copy(update=fields),)})
    made.explanations = []
    return made


def test_the_lead_of_other_ends() -> None:
    top = lead(changed().evidence, views(changed()))
    assert (top.step, top.sentence) == ("", "Every step of the 1 rebuild hits the cache.")
    assert top.result == "The trial has the expected outcome."
    broken = changed(build=None, verdict=Verdict.BROKEN, problem="no space\nleft")
    top = lead(broken.evidence, views(broken))
    assert (top.cards[0].what, top.cards[0].why) == ("could not be judged", "no space.")
    assert top.sentence == "1 trial could not be judged: no space."
    refuted = changed(predicted=(HIT, RAN, UNKNOWN))
    top = lead(refuted.evidence, views(refuted))
    assert top.result.endswith("1 trial contradicts the prediction.")
    assert (top.cards[0].step, top.cards[0].what) == ("COPY bar bar", "does not do what was predicted")
    first = changed().run.trials[0]
    assert first.build
    steps = tuple(step.model_copy(update={"expected": RAN}) for step in first.build.steps)
    fixed = changed(
        build=first.build.model_copy(update={"steps": steps}), verdict=Verdict.UNEXPECTED_HIT, because="labels count"
    )
    top = lead(fixed.evidence, views(fixed))
    assert (top.cards[0].what, top.cards[0].why) == ("hits although a miss is expected", "labels count.")


def test_why_it_should_have_hit_is_not_given_as_the_cause() -> None:
    first = changed().run.trials[0]
    assert first.build
    outcomes = zip(first.build.steps, (HIT, RAN, RAN), strict=True)
    build = first.build.model_copy(
        update={"steps": tuple(step.model_copy(update={"outcome": outcome}) for step, outcome in outcomes)}
    )
    made = changed(build=build, verdict=Verdict.MISSED, variation="mtime", because="only times differ")
    [card] = lead(made.evidence, views(made)).cards
    assert (card.step, card.why) == ("COPY bar bar", "The cause is not known.")
    said = words(drawn(made))
    assert "Varied: only times differ." in said and "A miss is expected" not in said


def test_a_trial_that_hit_and_missed_against_expectation_names_its_miss() -> None:
    first = changed().run.trials[0]
    assert first.build
    marks = zip(first.build.steps, (HIT, HIT, RAN), (RAN, HIT, HIT), strict=True)
    steps = tuple(step.model_copy(update={"outcome": now, "expected": wish}) for step, now, wish in marks)
    made = changed(build=first.build.model_copy(update={"steps": steps}), verdict=Verdict.MISSED)
    [card] = lead(made.evidence, views(made)).cards
    assert (card.step, card.what) == ("RUN echo baz", "misses although a hit is expected")


def test_a_run_that_has_only_begun() -> None:
    run = Run(name="r", scenario="s", summary="x", lineup="l", started=WHEN, registry="localhost:5000")
    said = words(render(Evidence(run), TEXTS))
    assert "The run is incomplete: not all trials were made." in said
    assert "No facts of a box were recorded." in said


def test_a_producer_without_an_image_is_shown() -> None:
    made = page_runs.rich()
    lost = Production(producer="p", engine="e", reference="r", problem="disk full\nat last")
    made.run = made.run.model_copy(update={"productions": (lost,)})
    assert re.search(r"p\s+built and pushed with e\s+no image\s+Reference:\s+r", " ".join(words(drawn(made)).split()))


def test_an_engine_of_the_producers_own_is_named() -> None:
    made = page_runs.rich()
    trials = tuple(trial.model_copy(update={"producer_engine": "19.03.8"}) for trial in made.run.trials[:4])
    made.run = made.run.model_copy(update={"trials": trials})
    [panel] = panels(made.run, views(made))
    assert [label for label, _ in panel.matrices[0].rows] == [
        "debian12-apparmor (19.03.8)",
        "debian12-selinux (19.03.8)",
    ]
    assert "image built with 19.03.8" in words(drawn(made))


def test_two_trials_of_one_pair_share_a_cell() -> None:
    made = page_runs.rich()
    first = made.run.trials[0]
    made.run = made.run.model_copy(update={"trials": (first, first.model_copy(update={"name": "again"}))})
    [panel] = panels(made.run, views(made))
    assert [cell.trial for cell in panel.matrices[0].rows[0][1][0]] == [1, 2]


def test_boxes_say_in_what_they_differ() -> None:
    page = drawn(page_runs.rich())
    [table] = re.findall(r'<table class="plain facts">.*?</table>', page, re.DOTALL)
    assert re.findall(r'<th scope="col">([^<]+)', table) == [
        "box", "engine", "server", "client", "commit", "rule set", "SELinux", "security",
    ]  # fmt: skip
    assert "storage <b>overlay2</b>, " in re.findall(r"<p>The same on every box: (.*)</p>", page)[0]


def test_a_single_box_has_all_its_facts_in_the_table() -> None:
    page = drawn(page_runs.made(("local",), ("20.10.24",), ("none",)))
    assert "The same on every box" not in page
    [table] = re.findall(r'<table class="plain facts">.*?</table>', page, re.DOTALL)
    assert {"kernel", "storage", "rule set"} <= set(re.findall(r'<th scope="col">([^<]+)', table))


def test_rule_sets_and_engines_of_labs_own_are_explained() -> None:
    evidence = explained(evidence_of(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr"), ROOT / "boxes")
    page = render(evidence, TEXTS)
    assert "<dt>R1</dt><dd>Docker 18.09.0 to 18.09, 19.03.0 to 19.03.12</dd>" in page
    assert "<b>20.10.24-unfixed</b> is 20.10.24 with buildkit#1393 and #1526 reverted" in page


def test_the_file_that_a_cause_speaks_of_comes_first() -> None:
    """On a host that labels its files, the Dockerfile has a label too, and no COPY takes it."""
    plain = [file("Dockerfile", b"FROM x"), file("bar", b"bar")]
    labelled = [file(item.path, b"x", xattrs={"security.selinux": b"l"}) for item in plain]
    cause = FieldDifference("bar", "security.selinux", "absent", "l", ("R1",))
    assert [item.path for item in compare(plain, labelled, [cause]).files] == ["bar", "Dockerfile"]
    assert [item.path for item in compare(plain, labelled, []).files] == ["Dockerfile", "bar"]


def test_a_run_without_trials_offers_nothing_to_filter() -> None:
    made = page_runs.rich()
    made.run = made.run.model_copy(update={"trials": (), "complete": False})
    page = drawn(made)
    assert "No trial was made, so there is nothing to show here." in page
    assert 'id="filters"' not in page and 'data-all="open"' not in page


def test_hostile_content_stays_text() -> None:
    page = drawn(hostile())
    assert "<script>window.hacked" not in page
    assert "<img" not in page
    assert page.count("<script") == 2 + ('id="store"' in page)
    assert 'href="javascript:' not in page
    assert not set("\x1b\x00\x07\u202e\u2066\u2028\ufeff\udcff") & set(page)
    page.encode()


@pytest.mark.parametrize("look", [KNOWN, *LOOKS.values()])
def test_the_style_sheet_knows_every_look_of_a_trial(look: str) -> None:
    """A chip, a cell of a table, a count, and a bar of the time line; without its rule a miss would have no colour."""
    for rule in (f".{look}.chip", f".matrix a.{look}", f".counts .{look}", f".lanes rect.{look}"):
        assert re.search(rf"{re.escape(rule)}[ ,]", TEXTS["page.css"]), rule


def test_a_page_without_its_texts_is_an_error_with_a_name(tmp_path: Path) -> None:
    run = page_runs.rich().run
    with pytest.raises(ConfigError, match=r"cannot make the page: its template page\.css is missing"):
        render(Evidence(run), {name: part for name, part in TEXTS.items() if name != "page.css"})
    with pytest.raises(ConfigError, match=r"cannot make the page: .*lead\.html\.j2"):
        render(Evidence(run), {name: part for name, part in TEXTS.items() if name != "lead.html.j2"})
    with pytest.raises(ConfigError, match=r"cannot make the page: page\.js holds an end tag"):
        render(Evidence(run), {**TEXTS, "page.js": "'</script>'"})
    with pytest.raises(ConfigError, match=r"cannot make the page: .*'nobody' is undefined"):
        render(Evidence(run), {**TEXTS, "lead.html.j2": "{{ nobody.knows }}"})
    with pytest.raises(ConfigError, match="cannot read the templates of the report page"):
        Project(tmp_path, tmp_path).texts("page")


def test_facts_of_older_runs_have_no_rule_set() -> None:
    made = page_runs.rich()
    boxes: tuple[BoxFacts, ...] = tuple(box.model_copy(update={"rules": None, "sums": {}}) for box in made.run.boxes)
    made.run = made.run.model_copy(update={"boxes": boxes})
    page = drawn(made)
    assert "rule set" not in page and "Programs" not in page


def test_trials_stand_in_the_tables_order() -> None:
    made = page_runs.rich()
    found = in_order(made.run)
    assert [trial.variation for trial in found] == ["none"] * 8 + ["user-xattr"] * 8
    assert isinstance(found[0], Trial)
    keys = [(trial.engine, trial.producer, trial.consumer) for trial in found[:8]]
    assert keys == sorted(keys)


def test_the_page_by_its_verb(checkout: Lab, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    checkout.ok("report", str(SAMPLE), "--format", "html", "--output", str(path))
    evidence = redact(explained(Evidence(results.load(SAMPLE), exchanges=sample()), ROOT / "boxes"))
    assert path.read_text(encoding="utf-8") == render(evidence, TEXTS)
    said = checkout.ok("report", str(SAMPLE), "--format", "html")
    assert said.out == path.read_text(encoding="utf-8")


def test_two_runs_do_not_go_into_one_page(checkout: Lab, tmp_path: Path) -> None:
    evidence = page_runs.rich().evidence
    with pytest.raises(UsageError, match="cannot put 2 runs into one page"):
        FORMATS["html"].text([evidence, evidence], Project(ROOT, ROOT))
    said = checkout.run("report", "--run", "no-such-run-*", "--format", "html", "--output", str(tmp_path / "x"))
    assert said.code == 2 and not (tmp_path / "x").exists()
