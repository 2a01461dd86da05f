"""The one place in which tests make runs: their parts, the stored sample, the bug report's story, hostile runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lab.boxes.transcript import exchanges
from lab.buildkit.contenthash.compare import FieldDifference
from lab.buildkit.contenthash.entry import Entry, file
from lab.buildkit.rulebook import Rulebook
from lab.explain.explanation import Explanation, Role, StepCause
from lab.model import Exchange, Outcome, Verdict
from lab.report.evidence import Evidence, gathered
from lab.results.contexts import pack
from lab.results.facts import BoxFacts, BuildResult, CacheImport, StepResult
from lab.results.run import Base, Production, Run, Trial, load
from tests.conftest import ROOT

RUNS = ROOT / "tests" / "data" / "runs"
WHEN = datetime(2026, 5, 27, 18, 30, tzinfo=UTC)
STEPS = ("RUN echo foo", "COPY bar bar", "RUN echo baz")
HIT, RAN, UNKNOWN = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN


def sample() -> Evidence:
    """The default run of two real boxes with Docker 20.10.24, as schema 1 stored it."""
    folder = RUNS / "schema-1"
    return Evidence(load(folder), {}, exchanges((folder / "transcript.jsonl").read_bytes(), "the sample"))


def facts(name: str, engine: str = "19.03.8", **fields: object) -> BoxFacts:
    """The facts of one box with one engine; `fields` replace some of them."""
    made = BoxFacts(
        name=name,
        summary=f"the box {name}",
        kind="vagrant",
        engine=engine,
        client=engine,
        server=engine,
        commit="afacb8b",
        os="CentOS Linux 7 (Core)",
        kernel="3.10.0-1127.el7.x86_64",
        storage="overlay2",
        security=("seccomp",),
        selinux="off",
        version=f"Client:\n Version: {engine}\n\nServer:\n Engine:\n  Version: {engine}",
        info=f"Server:\n Server Version: {engine}\n Storage Driver: overlay2\n  Backing Filesystem: xfs\n Name: {name}",
    )
    return made.model_copy(update=fields)


def build(
    outcomes: tuple[Outcome, ...],
    expected: tuple[Outcome, ...] | None = None,
    steps: tuple[str, ...] = STEPS,
    **fields: object,
) -> BuildResult:
    """What one build printed: an outcome for each step, which is as expected unless `expected` differs.

    A build that was cut has fewer outcomes than steps.
    """
    results = tuple(
        StepResult(instruction=text, outcome=seen, expected=want, seconds=0.1)
        for text, seen, want in zip(steps, outcomes, expected or outcomes, strict=False)
    )
    return BuildResult(steps=results).model_copy(update=fields)


def trial(
    producer: str,
    consumer: str,
    outcomes: tuple[Outcome, ...] | None,
    verdict: Verdict = Verdict.AS_EXPECTED,
    *,
    expected: tuple[Outcome, ...] | None = None,
    steps: tuple[str, ...] = STEPS,
    engine: str = "19.03.8",
    scenario: str = "copy-bust",
    variation: str = "none",
    sent: int | None = 34,
    **fields: object,
) -> Trial:
    """One trial; without outcomes it has no build. `fields` are further fields of a Trial, or replace one."""
    made = None
    if outcomes is not None:
        source = CacheImport(ref="localhost:5000/x", ok=True)
        made = build(outcomes, expected, steps, context_bytes=sent, imports=(source,))
    return Trial(
        name=f"{producer}>{consumer}:{engine}/{scenario}:{variation}",
        producer=producer,
        consumer=consumer,
        engine=engine,
        variation=variation,
        build=made,
        verdict=verdict,
    ).model_copy(update=fields)


def run(*trials: Trial, steps: tuple[str, ...] = STEPS, **fields: object) -> Run:
    """A complete run of these trials, with the facts of their boxes and the pushes of their producers."""
    boxes = dict.fromkeys((end, trial.engine) for trial in trials for end in (trial.producer, trial.consumer))
    producers = dict.fromkeys((trial.producer, trial.engine) for trial in trials)
    made = Run(
        name="20260527T183000Z-copy-bust",
        scenario="copy-bust",
        summary="a COPY of one file, rebuilt from another box's inline cache",
        lineup="gist",
        started=WHEN,
        finished=WHEN,
        complete=True,
        base=Base(reference="alpine:3.11.6", source="alpine"),
        registry="localhost:5000",
        dockerfile="\n".join(["FROM alpine:3.11.6", *steps, ""]),
        instructions=steps,
        boxes=tuple(facts(name, engine) for name, engine in boxes),
        productions=tuple(
            Production(producer=name, engine=engine, reference=f"localhost:5000/lab-copy-bust-{name}:{engine}")
            for name, engine in producers
        ),
        trials=trials,
    )
    return made.model_copy(update=fields)


def exchange(
    box: str,
    about: str,
    *argv: str,
    stdout: bytes | str = b"",
    stderr: bytes | str = b"",
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    exit: int = 0,
) -> Exchange:
    out, err = (data.encode() if isinstance(data, str) else data for data in (stdout, stderr))
    return Exchange(box, about, argv, dict(env or {}), cwd, exit, out, err, WHEN, 0.5)


LABEL = "unconfined_u:object_r:user_home_t:s0"


def explained(made: Trial) -> Explanation:
    """The bug report's cause, in the words an explanation has."""
    assert made.build
    words = {
        0: StepCause(made.build.steps[0].instruction, Role.HIT, "hit"),
        1: StepCause(
            made.build.steps[1].instruction,
            Role.CAUSE,
            "bar has security.selinux on the consumer only",
            (FieldDifference("bar", "security.selinux", "absent", LABEL + "\\0", ("R1",)),),
            ("93B sent, 34B expected: 59 bytes are one security.selinux of 37 bytes",),
            issue="https://github.com/moby/buildkit/issues/1330",
            fixed="Docker 19.03.13",
            advice="update Docker",
        ),
        2: StepCause(made.build.steps[2].instruction, Role.CONSEQUENCE, "the step before it missed"),
    }
    return Explanation(made.name, tuple(words.values()))


def bug() -> Evidence:
    """The bug report's story on 19.03.8, with its cause, and hit on 19.03.13."""
    bust = trial("ubuntu", "centos", (HIT, RAN, RAN), sent=93, because="the label is hashed (fixed by moby/moby#41222)")
    trials = (
        trial("ubuntu", "ubuntu", (HIT, HIT, HIT)),
        bust,
        trial("ubuntu", "centos", (HIT, HIT, HIT), engine="19.03.13", sent=93),
    )
    return Evidence(run(*trials), {bust.name: explained(bust)})


def with_contexts() -> Evidence:
    """The bug report's story with its files as a run keeps them: a label on the consumer's, a secret beside it."""
    told = bug()
    rules = list(Rulebook(ROOT / "boxes").rule_sets.values())
    files = {
        "ubuntu": [file("bar", b"bar\n"), file("env", b"API_TOKEN=hunter2\n")],
        "centos": [
            file("bar", b"bar\n", xattrs={"security.selinux": LABEL.encode() + b"\0"}),
            file("env", b"API_TOKEN=hunter2\n", xattrs={"user.from": b"https://me:hunter2@example.org/env"}),
        ],
    }
    dockerfile = file("Dockerfile", told.run.dockerfile.encode())
    packed = {name: pack([dockerfile, *entries], None, rules) for name, entries in files.items()}
    contents = {key: text for item in packed.values() for key, text in item.contents.items()}
    made = told.run.model_copy(
        update={
            "contexts": {item.key: item.context for item in packed.values()},
            "contents": contents,
            "productions": tuple(
                item.model_copy(update={"context": packed["ubuntu"].key}) if item.producer == "ubuntu" else item
                for item in told.run.productions
            ),
            "trials": tuple(item.model_copy(update={"context": packed[item.consumer].key}) for item in told.run.trials),
        }
    )
    return Evidence(made, told.explanations, contexts=gathered(made))


# What somebody may put into a step, a file name, an output: each would be obeyed somewhere.
HOSTILE = (
    "RUN echo '</script><img src=x onerror=alert(1)>' && echo $(reboot) `reboot`",
    "COPY |a|b| ```\n# heading\n\n[x](javascript:alert(1)) <b>&amp; ./",
    '=HYPERLINK("http://evil.example","RUN")\x1b[2J\x1b]0;pwned\x07\x00\u202egnp',
)
EVIL_NAME = "a'b\"c`reboot`$(reboot)\\ \n;&|<>*?[x]#~!\u202e\u2019é<script>"
EVIL_OUTPUT = (
    b"#5 [2/4] RUN echo\n#5 0.1 \x1b[31m\xff\xfe```\n````\n</details></script>\n"
    b"#5 0.2 ]]> <!-- | a | b |\r\n\x07=1+1\n#5 CACHED\n"
)


def hostile() -> Evidence:
    """A run whose every text is out to get whoever shows it."""
    name = "a`|<b>"
    made = trial(name, "=cmd|'calc'!A1", (HIT, RAN, RAN), Verdict.MISSED, expected=(HIT, HIT, HIT), steps=HOSTILE)
    lost = trial("-2+3", "@sum", None, Verdict.BROKEN, steps=HOSTILE, problem="bad\x1b[0m\n```\n</script>\n| x |")
    made = made.model_copy(update={"because": "because <i>`|\n# x", "variation": "]]>"})
    made_run = run(made, lost, steps=HOSTILE)
    build = ("docker", "build", "--tag", "localhost:5000/x\n```", ".")
    write = ("sh", "-c", f"printf x > {shlex.quote(EVIL_NAME)}")
    cwd = "/home/x'\n/ctx"
    return Evidence(
        made_run,
        {made.name: explained(made)},
        (
            exchange(name, f"{name}:19.03.8/copy-bust:produce", *write, cwd=cwd),
            exchange(name, f"{name}:19.03.8/copy-bust:produce", *build, stderr=EVIL_OUTPUT, cwd=cwd),
            exchange(made.consumer, made.name, *write, cwd=cwd),
            exchange(made.consumer, made.name, "touch", EVIL_NAME, "./-\x1b[31m\udcff", cwd=cwd),
            exchange(made.consumer, made.name, *build, "--cache-from", "localhost:5000/x", stderr=EVIL_OUTPUT, cwd=cwd),
        ),
    )


def many(trials: int, one: Evidence | None = None) -> Evidence:
    """The sample (or another run with Docker 20.10.24) again and again under other engines' names, as a long run."""
    one = one or sample()
    made: list[Trial] = []
    said: list[Exchange] = []
    boxes: list[BoxFacts] = []
    productions: list[Production] = []
    contexts: dict[str, Sequence[Entry]] = {}
    for number in range(-(-trials // len(one.run.trials))):

        def renamed(text: str, engine: str = f"20.10.{100 + number}") -> str:
            return re.sub(r"(?<![\w.])20\.10\.24(?!\+)", engine, text)

        boxes += [box.model_copy(update={"engine": renamed(box.engine)}) for box in one.run.boxes]
        productions += [
            item.model_copy(update={"engine": renamed(item.engine), "reference": renamed(item.reference)})
            for item in one.run.productions
        ]
        made += [
            item.model_copy(update={"engine": renamed(item.engine), "name": renamed(item.name)})
            for item in one.run.trials
        ]
        contexts |= {renamed(about): entries for about, entries in one.contexts.items()}
        said += [
            replace(
                item,
                about=renamed(item.about),
                argv=tuple(map(renamed, item.argv)),
                env={name: renamed(value) for name, value in item.env.items()},
                cwd=renamed(item.cwd) if item.cwd else None,
                stdout=renamed(item.stdout.decode()).encode(),
                stderr=renamed(item.stderr.decode()).encode(),
            )
            for item in one.exchanges
        ]
    changes = {"boxes": tuple(boxes), "productions": tuple(productions), "trials": tuple(made[:trials])}
    return Evidence(one.run.model_copy(update=changes), {}, tuple(said), contexts)
