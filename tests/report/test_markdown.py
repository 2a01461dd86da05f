"""The bug report: read back by a Markdown parser, so that what is asserted is what a reader sees."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from lab.buildkit.progress.reader import read_builds
from lab.model import Outcome, Verdict
from lab.project import Project
from lab.report import excerpt, markup
from lab.report.bundle import evidence_of
from lab.report.evidence import Evidence, explained
from lab.report.findings import Kind, contrast, findings
from lab.report.formats import FORMATS
from lab.report.markdown import markdown
from lab.report.redact import redact
from lab.results.run import Base, Run, Trial
from tests import reporting
from tests.conftest import ROOT
from tests.reporting import HIT, RAN, run, trial

SECTIONS = [
    "Description", "Cause", "Reproduce", "Expected behavior", "Actual behavior", "Affected and fixed versions",
    "Deliberate changes", "Not known", "Evidence",
]  # fmt: skip
PROJECT = Project(ROOT, ROOT)
GITHUB_LIMIT = 65_536


def tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def shown(token: Token) -> str:
    """The text of an inline token as a reader sees it."""
    return "".join(child.content for child in token.children or ())


def headings(text: str, level: str) -> list[str]:
    found = tokens(text)
    return [
        shown(found[number + 1])
        for number, token in enumerate(found)
        if token.type == "heading_open" and token.tag == level
    ]


def blocks(text: str) -> list[str]:
    return [token.content for token in tokens(text) if token.type == "fence"]


def rows(text: str) -> list[list[str]]:
    """The cells of the first table, heading first."""
    found: list[list[str]] = []
    for number, token in enumerate(all_tokens := tokens(text)):
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            found.append([])
        if token.type in ("th_open", "td_open"):
            found[-1].append(shown(all_tokens[number + 1]))
    return found


def section(text: str, name: str) -> str:
    return text.partition(f"\n## {name}\n")[2].partition("\n## ")[0].strip()


# --- the bug report's story


def test_the_report_follows_the_issue_forms() -> None:
    text = markdown(reporting.bug())
    # a section without content is left out, and the others stay in this order
    assert headings(text, "h2") == [name for name in SECTIONS if name not in ("Deliberate changes",)]
    assert headings(text, "h1") == ["COPY bar bar misses the build cache on centos: security.selinux of bar differs"]


def test_the_first_sentence_says_what_where_which_and_why() -> None:
    first = section(markdown(reporting.bug()), "Description").splitlines()[0]
    assert first == (
        "`COPY bar bar` misses the inline build cache when centos with Docker 19.03.8 rebuilds the image that ubuntu "
        "pushed, from the same files: bar has security.selinux on the consumer only. What to do: update Docker. "
        "The run has 1 finding."
    )


def test_the_table_is_the_runs() -> None:
    assert rows(markdown(reporting.bug())) == [
        ["producer", "consumer", "engine", "context", "RUN echo foo", "COPY bar bar", "RUN echo baz", "verdict"],
        ["ubuntu", "centos", "19.03.8", "93B", "hit", "ran", "ran", "as expected"],
        ["ubuntu", "ubuntu", "19.03.8", "34B", "hit", "hit", "hit", "as expected"],
        ["ubuntu", "centos", "19.03.13", "93B", "hit", "hit", "hit", "as expected"],
    ]


def test_the_cause_comes_with_its_evidence_and_its_fix() -> None:
    text = markdown(reporting.bug())
    cause = section(text, "Cause")
    assert f"| `bar` | `security.selinux` | `absent` | `{reporting.LABEL}\\0` | not known |" in cause
    assert "What to do: update Docker." in cause
    evidence = section(text, "Evidence")
    assert "- 93B sent, 34B expected: 59 bytes are one security.selinux of 37 bytes" in evidence
    assert "R1" in evidence and "R1" not in text.replace(evidence, "")
    versions = section(text, "Affected and fixed versions")
    assert "ran with Docker 19.03.8; hit with Docker 19.03.13. Fixed in Docker 19.03.13, as published." in versions
    assert "https://github.com/moby/buildkit/issues/1330" in versions


def test_expected_and_actual_stand_beside_the_host_where_it_hit() -> None:
    text = markdown(reporting.bug())
    assert section(text, "Expected behavior") == (
        "- ubuntu>centos, Docker 19.03.8: `COPY bar bar` hits, as on ubuntu with Docker 19.03.8: the Dockerfile and "
        "the content of the files are the same."
    )
    assert section(text, "Actual behavior") == (
        "- ubuntu>centos, Docker 19.03.8: `RUN echo foo` hit, `COPY bar bar` ran, `RUN echo baz` ran. The "
        "client sent 93B of context; it sent 34B in the trial to compare with (ubuntu>ubuntu, Docker 19.03.8). "
        "This miss is known: the label is hashed (fixed by moby/moby#41222)."
    )


def test_without_an_explanation_no_cause_is_made_up() -> None:
    bug = reporting.bug()
    bare = bug.run.trials[1].model_copy(update={"because": None})
    boxes = tuple(
        box.model_copy(update={"selinux": "enforcing"}) if box.name == "centos" else box for box in bug.run.boxes
    )
    text = markdown(Evidence(bug.run.model_copy(update={"trials": (bug.run.trials[0], bare), "boxes": boxes})))
    assert "The cause is not known." in section(text, "Description")
    assert "security.selinux" not in text
    # what differs is reported without the claim that it matters
    assert "Producer and consumer differ in: selinux `off` / `enforcing`." in section(text, "Cause")
    assert "Which file makes `COPY bar bar` miss" in section(text, "Not known")


# --- a real run


def test_hosts_are_told_as_the_original_report_did() -> None:
    text = markdown(redact(reporting.sample()))
    assert headings(text, "h3") == [
        "debian12-apparmor with Docker 20.10.24+dfsg1: builds, pushes, prunes and rebuilds from the pushed cache"
    ]
    [dockerfile, base, console] = blocks(text)
    # the base image is one that the reader makes, so its digest is not the run's
    assert dockerfile.splitlines() == ["FROM localhost:5000/lab-base", *reporting.STEPS]
    assert base.splitlines()[1:] == [
        "$ tar -C root -c bin | docker import - localhost:5000/lab-base",
        "$ docker push localhost:5000/lab-base",
    ]
    whole = console.replace(" \\\n>    ", "")
    commands = [line for line in whole.splitlines() if line.startswith("$ ") and "docker" in line]
    ref = "localhost:5000/lab-copy-bust-debian12-apparmor:20.10.24"
    build = "$ DOCKER_BUILDKIT=1 docker build --progress=plain --build-arg BUILDKIT_INLINE_CACHE=1"
    assert commands == [
        "$ docker version",
        "$ docker info",
        f"{build} --tag {ref} .",
        f"$ DOCKER_BUILDKIT=1 docker push {ref}",
        "$ DOCKER_BUILDKIT=1 docker system prune -a -f",
        f"{build} --cache-from {ref} --tag {ref} .",
        f"{build} --cache-from {ref} --tag {ref} .",
    ]
    assert "$ setfattr -n user.lab -v 1 bar" in console.splitlines()
    # output as it was seen, and a count of what is not shown
    for line in ("#7 transferring context: 49B 0.1s done", "#6 CACHED", "#8 DONE 0.5s", "#9 8.594 baz"):
        assert line in console.splitlines()
    assert len(re.findall(r"^\[\d+ of \d+ lines cut\]$", console, re.MULTILINE)) == 7


def test_it_is_shorter_than_what_it_tells_of() -> None:
    evidence = redact(reporting.sample())
    text = markdown(evidence)
    whole = sum(len(item.stdout) + len(item.stderr) for item in evidence.exchanges)
    assert len(text.splitlines()) < 180
    assert len(text) < whole / 4


def test_the_foot_says_what_was_replaced() -> None:
    assert "Replaced by placeholders: home path" in markdown(redact(reporting.sample()))
    assert "placeholders" not in markdown(reporting.sample())


def test_500_trials_fit_an_issue() -> None:
    text = markdown(redact(reporting.many(500)))
    assert len(text) < GITHUB_LIMIT
    assert "460 of 500 rows cut." in text


def test_the_sample_that_the_manual_links_to_is_what_comes_of_its_run() -> None:
    # python -m lab report sample --format md --output results/sample/report.md
    folder = ROOT / "results" / "sample"
    assert FORMATS["md"].text([explained(evidence_of(folder), ROOT / "boxes")], PROJECT) == (
        folder / "report.md"
    ).read_text(encoding="utf-8")


def sample_report() -> str:
    return (ROOT / "results" / "sample" / "report.md").read_text(encoding="utf-8")


def test_the_sample_says_each_cause_once_and_names_where_else_it_is() -> None:
    text = sample_report()
    assert section(text, "Evidence").count("- digest of bar under R5+xattrs=all:") == 2  # of producer and consumer
    assert section(text, "Actual behavior").count("The same cause: debian12-selinux>debian12-apparmor, Docker") == 1
    assert [row[:2] for row in rows(section(text, "Cause"))] == [["file", "field"], ["bar", "security.selinux"]]


def test_evidence_is_given_for_what_the_report_is_about() -> None:
    """On one machine a label can only be set on purpose, and then that is what the report is about."""
    made = trial("a", "a", (HIT, RAN, RAN), variation="label")
    other = trial("a", "a", (HIT, RAN, RAN), variation="xattr")
    told = [reporting.explained(item) for item in (made, other)]
    told[1] = replace(told[1], steps=tuple(replace(step, differences=()) for step in told[1].steps))
    text = markdown(Evidence(run(made, other), {item.trial: item for item in told}))
    line = "- 93B sent, 34B expected: 59 bytes are one security.selinux of 37 bytes"
    assert section(text, "Evidence").count(line) == 1
    assert section(text, "Cause").count("`COPY bar bar`: bar has security.selinux on the consumer only.") == 1
    assert [row[0] for row in rows(section(text, "Deliberate changes"))] == ["change", "label", "xattr"]
    assert not section(text, "Expected behavior")


def test_the_sample_explains_its_own_words() -> None:
    """A maintainer has never heard of a rule set, nor of an engine that lab has built."""
    text = sample_report()
    assert "R1 is Docker 18.09.0 to 18.09, 19.03.0 to 19.03.12; R5+xattrs=all is Docker 20.10.24-unfixed." in text
    assert "R9 is Docker" not in text  # no cause speaks of it
    assert (
        "Docker 20.10.24-unfixed is 20.10.24 with buildkit#1393 and \\#1526 reverted: every xattr counts."
        in section(text, "Description")
    )


def test_the_sample_is_short() -> None:
    text = sample_report()
    assert len(text.splitlines()) < 230
    assert len(text) < 12_000


# --- what a reader types


def test_a_docker_command_is_shown_in_full_and_as_a_reader_types_it() -> None:
    """`--cache-from` with a long reference was cut; the path of a private engine is told once, in a note."""
    reference = "registry.example.org:5000/" + "a-long-name/" * 30 + "image:20.10.24"
    made = trial("a", "b", (HIT, RAN, RAN))
    client = ("sudo", "-n", "/opt/lab/docker", "-H", "unix:///run/lab/docker.sock")
    words = ("build", "--progress=plain", "--build-arg", "BUILDKIT_INLINE_CACHE=1", "--cache-from", reference)
    argv = (*client, *words, "--tag", reference, ".")
    build = reporting.exchange("b", made.name, *argv, cwd="/x/c", env={"DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": "/x"})
    text = markdown(Evidence(run(made), {}, (build,)))
    console = blocks(text)[-1]
    typed = console[console.index("$ DOCKER_BUILDKIT=1 docker build") + 2 :].replace("\n> ", "\n")
    assert shlex.split(typed.replace("\\\n", "")) == ["DOCKER_BUILDKIT=1", "docker", *words, "--tag", reference, "."]
    assert text.count("/run/lab/docker.sock") == 1
    assert "`sudo -n /opt/lab/docker -H unix:///run/lab/docker.sock`" in section(text, "Reproduce")


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (
            Base(reference="alpine:3.11.6@sha256:" + "9a" * 32, source="alpine"),
            "`docker pull alpine:3.11.6@sha256:9a9a",
        ),
        (
            Base(reference="localhost:5000/lab-base@sha256:" + "9a" * 32, source="busybox"),
            "docker import - localhost:5000/lab-base\n",
        ),
        (Base(reference="localhost:5000/mine:1", source="given"), "may not be public"),
        (Base(reference="debian:12", source="given"), "`docker pull debian:12`"),
    ],
)
def test_the_base_image_can_be_had_by_the_reader(base: Base, said: str) -> None:
    made = run(trial("a", "b", (HIT, RAN, RAN)), base=base)
    assert said in section(markdown(Evidence(made)), "Reproduce")


def test_attributes_that_the_machine_sets_are_commands_for_another_machine() -> None:
    text = section(markdown(reporting.with_contexts()), "Reproduce")
    value = (reporting.LABEL.encode() + b"\0").hex()
    assert f"# setfattr -n security.selinux -v 0x{value} bar" in text


@pytest.mark.parametrize(
    "made",
    [
        trial("a", "b", (HIT, RAN, RAN)),
        trial("a", "b", (HIT, RAN, RAN), because="it is known"),
        trial("a", "b", (HIT, RAN, RAN), Verdict.MISSED, expected=(HIT, HIT, HIT)),
        trial("a", "b", (RAN, RAN, RAN), Verdict.MISSED, expected=(RAN, HIT, RAN)),
        trial("a", "b", (HIT, RAN, RAN), Verdict.MISSED, expected=(HIT, HIT, HIT), variation="mtime"),
        trial("a", "b", (HIT, HIT, HIT), Verdict.UNEXPECTED_HIT, expected=(HIT, RAN, RAN), because="it is hashed"),
        trial("a", "b", (HIT, HIT, HIT), predicted=(HIT, RAN, RAN)),
        trial("a", "b", (HIT, RAN, RAN), predicted=(HIT, HIT, HIT), variation="mode"),
    ],
)
def test_expected_and_actual_differ(made: Trial) -> None:
    text = markdown(Evidence(run(made)))
    [wanted] = re.findall(r"`([^`]+)` (hits|runs)", section(text, "Expected behavior"))
    seen = dict(re.findall(r"`([^`]+)` (hit|ran)", section(text, "Actual behavior")))
    assert {"hits": "hit", "runs": "ran"}[wanted[1]] != seen[wanted[0]]


def test_a_change_of_content_is_not_called_the_same_content() -> None:
    made = trial("a", "b", (HIT, RAN, RAN))
    told = reporting.explained(made)
    difference = replace(told.steps[1].differences[0], field="content")
    told = replace(told, steps=(told.steps[0], replace(told.steps[1], differences=(difference,)), told.steps[2]))
    assert "the same" not in section(markdown(Evidence(run(made), {made.name: told})), "Expected behavior")


# --- which trial is told


def test_unexpected_misses_come_before_expected_ones_and_varied_ones_last() -> None:
    varied = trial("a", "a", (HIT, RAN, RAN), variation="xattr")
    known = trial("a", "b", (HIT, RAN, RAN), because="known")
    news = trial("a", "c", (HIT, RAN, RAN), Verdict.MISSED, expected=(HIT, HIT, HIT))
    fixed = trial("a", "d", (HIT, HIT, HIT), Verdict.UNEXPECTED_HIT, expected=(HIT, RAN, RAN))
    found = findings(Evidence(run(varied, known, news, fixed)))
    assert [item.example.name for item in found] == [item.name for item in (news, fixed, known, varied)]
    assert [item.kind for item in found] == [Kind.MISS, Kind.UNEXPECTED_HIT, Kind.MISS, Kind.MISS]


def test_alike_trials_are_one_finding() -> None:
    made = [trial(a, b, (HIT, RAN, RAN)) for a, b in (("a", "b"), ("b", "a"), ("c", "a"))]
    [finding] = findings(Evidence(run(*made)))
    assert len(finding.trials) == 3
    assert "The same happens in 2 more trials." in markdown(Evidence(run(*made)))


def test_a_broken_trial_is_no_miss() -> None:
    broken = trial("a", "b", (RAN, RAN, RAN), Verdict.BROKEN, problem="the cache of x could not be read")
    text = markdown(Evidence(run(broken)))
    assert [item.kind for item in findings(Evidence(run(broken)))] == [Kind.BROKEN]
    assert headings(text, "h1") == ["copy-bust: no rebuild that could be read"]
    assert "The run made no rebuild whose output could be read" in text
    assert "is broken: the cache of x could not be read" in section(text, "Not known")


def test_what_went_wrong_is_shown_where_nothing_could_be_read() -> None:
    lost = trial("a", "b", None, Verdict.BROKEN, problem="cannot build the image: exit status 1")
    build = ("docker", "build", "--cache-from", "x", "--tag", "x", ".")
    failed = reporting.exchange("b", lost.name, *build, stderr="#3 ERROR: no space left", cwd="/home/u/c", exit=1)
    [_, _, console] = blocks(markdown(Evidence(run(lost), {}, (failed,))))
    assert console.splitlines()[-3:] == [
        "$ docker build --cache-from x --tag x .",
        "#3 ERROR: no space left",
        "[exit status 1]",
    ]


def test_the_contrast_is_the_nearest_trial_that_went_the_other_way() -> None:
    bust = trial("a", "b", (HIT, RAN, RAN))
    engine = trial("a", "b", (HIT, HIT, HIT), engine="19.03.13")
    consumer = trial("a", "a", (HIT, HIT, HIT))
    evidence = Evidence(run(engine, consumer, bust))
    [finding] = findings(evidence)
    assert contrast(evidence, finding) == consumer
    evidence = Evidence(run(engine, bust))
    assert contrast(evidence, findings(evidence)[0]) == engine
    evidence = Evidence(run(bust))
    assert contrast(evidence, findings(evidence)[0]) is None


def test_a_run_in_which_all_hit_says_so() -> None:
    text = markdown(Evidence(run(trial("a", "b", (HIT, HIT, HIT)), trial("b", "a", (HIT, HIT, HIT)))))
    assert headings(text, "h1") == ["copy-bust: no step missed the build cache"]
    assert "Every step of all 2 rebuilds that could be read hit the cache." in text
    text = markdown(Evidence(run(trial("a", "b", (HIT, HIT, HIT)))))
    assert "Every step of the one rebuild that could be read hit the cache." in text


def test_a_rebuild_on_the_box_itself_from_another_engines_image_and_changed_files() -> None:
    made = trial("a", "a", (HIT, RAN, RAN), producer_engine="19.03.13", variation="label", because="it is hashed")
    first = section(markdown(Evidence(run(made))), "Description").splitlines()[0]
    assert first == (
        "`COPY bar bar` misses the inline build cache when a with Docker 19.03.8 (the image is from Docker 19.03.13) "
        "rebuilds the image that it pushed itself, from the same files after a change made on purpose (label). "
        "The scenario gives the reason: it is hashed. The run has 1 finding (1 of a change made on purpose)."
    )


def test_a_step_that_hits_against_what_is_stated_is_told_as_such() -> None:
    made = trial("a", "b", (HIT, HIT, HIT), Verdict.UNEXPECTED_HIT, expected=(HIT, RAN, RAN))
    text = markdown(Evidence(run(made)))
    assert headings(text, "h1") == ["COPY bar bar hits the build cache on b although a miss is expected"]
    assert section(text, "Expected behavior") == "- a>b, Docker 19.03.8: `COPY bar bar` runs."


def test_a_run_cut_short_and_a_contradicted_prediction_are_not_hidden() -> None:
    made = trial("a", "b", (HIT, RAN, RAN), predicted=(HIT, HIT, HIT))
    text = section(markdown(Evidence(run(made, complete=False))), "Not known")
    assert "The run is incomplete: not all trials were made." in text
    assert "did not go as predicted: lab's model of BuildKit is wrong, or the run is." in text


@pytest.mark.parametrize("made", [run(), run(complete=False, base=None, dockerfile="", instructions=(), steps=())])
def test_a_run_that_has_only_begun_is_a_report_too(made: Run) -> None:
    found = headings(markdown(Evidence(made)), "h2")
    assert found == [
        name for name in SECTIONS if name in ("Description", "Reproduce", "Affected and fixed versions", "Not known")
    ]


# --- text of any origin


def test_nothing_hostile_is_obeyed_and_nothing_is_lost() -> None:
    text = markdown(reporting.hostile())
    found = tokens(text)
    inline = [child for token in found for child in token.children or ()]
    kinds = {token.type for token in [*found, *inline]}
    assert not kinds & {"html_block", "html_inline", "image"}
    hrefs = {child.attrs["href"] for child in inline if child.type == "link_open"}
    assert hrefs == set()
    assert headings(text, "h2") == [name for name in SECTIONS if name != "Deliberate changes"]
    assert len(headings(text, "h1")) == 1
    header, first, second = rows(text)
    assert [len(header), len(first), len(second)] == [9, 9, 9]
    assert header[5] == reporting.HOSTILE[0]
    assert header[6] == reporting.HOSTILE[1].replace("\n", "\\n")
    assert header[7] == '=HYPERLINK("http://evil.example","RUN")\\x00\\u202egnp'
    assert first[:3] == ["a`|<b>", "=cmd|'calc'!A1", "]]>"]
    console = "".join(blocks(text))
    for line in (b"</details></script>", b"#5 0.2 ]]> <!-- | a | b |", b"````"):
        assert line.decode() in console
    assert "\x1b" not in text and "\u202e" not in text and "\x07" not in text
    assert "\ufffd\ufffd```" in console  # bytes that are no UTF-8 are marked, not dropped


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "a`b",
        "``",
        "`",
        " x ",
        "a|b",
        "\\|",
        "\\",
        "a\\",
        "<b>&amp;",
        "*_~#",
        "| x |",
        "é ü 漢字",
        "x``y`z",
        "",
        " ",
    ],
)
def test_a_cell_and_a_span_show_what_they_were_given(text: str) -> None:
    [[_, _], [left, right]] = rows(markup.table(["a", "b"], [[markup.cell(text), "end"]]))
    assert (left.strip(), right) == (text.strip(), "end")
    [paragraph] = [token for token in tokens(f"x {markup.code(text)} y") if token.type == "inline"]
    assert shown(paragraph).split() == ["x", *text.split(), "y"]


@pytest.mark.parametrize(
    "text",
    [
        "# no heading", "- no list", "1. no list", "1) no list", "> no quote", "=== x", "+ no list", "#41222", "---",
        "a *b* _c_ [d](e) <i>f</i>", "&amp; ~~x~~ `y` | \\ !", "moby/moby#41222", "[x]: y", "![x](y)", "    code",
        "***", "19.03.8 and 1.",
    ],
)  # fmt: skip
def test_prose_is_only_words(text: str) -> None:
    for before in ("", "- "):
        found = tokens(before + markup.prose(text))
        inline = [token for token in found if token.type == "inline"]
        assert [shown(token).strip() for token in inline] == [text.strip()]
        assert {token.type for token in found} <= {
            "inline", "paragraph_open", "paragraph_close", "bullet_list_open", "bullet_list_close", "list_item_open",
            "list_item_close",
        }  # fmt: skip
        assert {child.type for token in inline for child in token.children or ()} <= {"text", "text_special"}


def test_nobody_is_called() -> None:
    assert "@a" not in markup.prose("by @alice and bob@example.org")


@pytest.mark.parametrize("text", ["```\nx\n```", "~~~\n", "````` a", "</details>", "a\r\nb", "x\ry"])
def test_a_fence_holds_its_text(text: str) -> None:
    [block] = blocks(markup.fence(text, "console") + "\n\nafter")
    assert block == text.replace("\r\n", "\n").replace("\r", "\\r").rstrip("\n") + "\n"


# --- what is cut


def test_versions_and_settings_keep_what_matters() -> None:
    box = reporting.sample().run.boxes[0]
    version = excerpt.version(box.version)
    assert " Version:           20.10.24+dfsg1" in version.lines
    assert not [line for line in version.lines if "Go version" in line or "0.19.0" in line]
    assert len(version.lines) + version.cut == len([line for line in box.version.splitlines() if line.strip()])
    info = excerpt.info(box.info)
    for line in (" Storage Driver: overlay2", "  Backing Filesystem: extfs", "  apparmor", " Total Memory: 973.2MiB"):
        assert line in info.lines
    assert len(info.lines) + info.cut == len([line for line in box.info.splitlines() if line.strip()])


@pytest.mark.parametrize(
    "name", ["19.03/gist.plain.txt", "20.10.24/gist.plain.txt", "28.5.2/gist.plain.txt", "26.1.5/gist.plain.txt"]
)
def test_every_outcome_of_a_recorded_build_is_still_there(name: str) -> None:
    data = (reporting.RUNS.parent / "progress" / name).read_bytes()
    short = excerpt.build(data)
    assert short.cut > 10

    def outcomes(text: bytes | str) -> list[list[tuple[str, Outcome]]]:
        return [
            [(step.instruction, step.outcome) for step in build.steps if step.index > 1] for build in read_builds(text)
        ]

    assert outcomes("\n".join(short.lines)) == outcomes(data)


def test_long_outputs_and_lines_are_cut_with_a_count() -> None:
    many = excerpt.ends(b"".join(b"line %d\n" % number for number in range(100)))
    assert many.text.endswith(
        "...\n" + "".join(f"line {number}\n" for number in range(80, 100)) + "[70 of 100 lines cut]"
    )
    assert excerpt.ends(b"x" * 1000).lines[0].endswith("(700 characters cut)")
    noise = b"".join(b"#5 0.1 noise %d\n" % number for number in range(500))
    assert len(excerpt.build(b"#5 [2/4] RUN x\n" + noise + b"#5 DONE\n").lines) <= excerpt.MAX_LINES + 1
