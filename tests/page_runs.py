"""Runs for the page, larger than the sample: several engines, a miss with its cause, predictions, hundreds of trials.

The output of their commands is a real build's of Docker 20.10.24 (as in results/sample), with sums of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from lab.buildkit.contenthash.compare import FieldDifference
from lab.buildkit.contenthash.entry import Entry, file
from lab.explain.explanation import Explanation, Role, StepCause
from lab.model import Exchange, Outcome, Verdict
from lab.report.evidence import Evidence
from lab.results.facts import BoxFacts, BuildResult, CacheImport
from lab.results.run import Base, Production, Run, Trial
from tests import reporting
from tests.reporting import HIT, LABEL, RAN, STEPS, UNKNOWN

BASE = "localhost:5000/lab-base@sha256:54b820b07c335e7e0576fa1e1b593614f68d6b250a99fa7eedc644335e84ab28"
DOCKERFILE = f"FROM {BASE}\n" + "\n".join(STEPS) + "\n"
SENTENCE = "security.selinux on bar is on one side only, and this BuildKit hashes every attribute."
SUMMARIES = {
    "debian12-apparmor": "Debian 12, AppArmor (stands in for Ubuntu 18.04)",
    "debian12-selinux": "Debian 12, SELinux permissive, files labelled (stands in for CentOS 7)",
}
UNFIXED = ("20.10.24-unfixed", "19.03.8")
RULES = {"19.03.8": "R1", "20.10.24-unfixed": "R1", "20.10.24": "R5", "26.1.5": "R7"}


@dataclass
class Made:
    """What the page is made from, still open to change."""

    run: Run
    explanations: list[Explanation] = field(default_factory=list)
    contexts: dict[str, list[Entry]] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def evidence(self) -> Evidence:
        """As reports take it."""
        return Evidence(
            self.run, {item.trial: item for item in self.explanations}, tuple(self.exchanges), self.contexts
        )


def digest(*words: object) -> str:
    return hashlib.sha256(repr(words).encode()).hexdigest()


def labelled(box: str) -> bool:
    return "selinux" in box or "centos" in box


def rich() -> Made:
    """Two boxes, two engines, the bug on the unfixed one, and the user attribute that every BuildKit hashes."""
    return made(tuple(SUMMARIES), ("20.10.24", "20.10.24-unfixed"), ("none", "user-xattr"))


def large(trials: int = 500) -> Made:
    """Five boxes by five, on four engines, with as many variations as it takes."""
    boxes = (*SUMMARIES, "debian13-apparmor", "centos7-enforcing", "ubuntu1804")
    engines = ("19.03.8", "20.10.24-unfixed", "20.10.24", "26.1.5")
    variations = ("none", *(f"user-xattr-{number}" for number in range(1, -(-trials // 100))))
    whole = made(boxes, engines, variations)
    whole.run = whole.run.model_copy(update={"trials": whole.run.trials[:trials]})
    return whole


def made(boxes: tuple[str, ...], engines: tuple[str, ...], variations: tuple[str, ...]) -> Made:
    begun = datetime(2026, 11, 23, 21, 27, 33, tzinfo=UTC)
    whole = Made(
        reporting.run(
            name="20261123T212733Z-copy-bust",
            lineup="debian",
            started=begun,
            base=Base(reference=BASE, source="busybox"),
            dockerfile=DOCKERFILE,
            boxes=tuple(facts(box, engine) for box in boxes for engine in engines),
        )
    )
    clocks = dict.fromkeys(boxes, begun + timedelta(seconds=4))
    productions, trials = [], []
    for box in boxes:
        for engine in engines:
            about = f"{box}:{engine}/copy-bust:produce"
            clocks[box] = record(whole, box, about, engine, box, clocks[box], push=True, changed=False)
            build = built(box, "none", (RAN, RAN, RAN), None)
            whole.contexts[about] = context(box, "none")
            productions.append(Production(producer=box, engine=engine, reference=reference(box, engine), build=build))
    for variation in variations:
        for engine in engines:
            for producer in boxes:
                for consumer in boxes:
                    started = clocks[consumer]
                    one = trial(whole, producer, consumer, engine, variation)
                    changed = variation != "none"
                    clocks[consumer] = record(
                        whole, consumer, one.name, engine, producer, started, push=False, changed=changed, of=one
                    )
                    lasted = (clocks[consumer] - started).total_seconds()
                    trials.append(one.model_copy(update={"started": started, "seconds": lasted}))
    whole.run = whole.run.model_copy(
        update={"productions": tuple(productions), "trials": tuple(trials), "finished": max(clocks.values())}
    )
    return whole


def reference(box: str, engine: str) -> str:
    return f"localhost:5000/lab-copy-bust-{box}:{engine}"


def facts(box: str, engine: str) -> BoxFacts:
    labels = labelled(box)
    return reporting.facts(
        box,
        engine,
        summary=SUMMARIES.get(box, "a box of the test"),
        commit=digest(engine)[:7],
        os="Debian GNU/Linux 12 (bookworm)",
        kernel="6.1.0-56-cloud-amd64",
        security=("seccomp",) if labels else ("apparmor", "seccomp"),
        selinux="permissive" if labels else "off",
        version=f"Client:\n Version:           {engine}\n",
        info=f"Server:\n Server Version: {engine}\n Security Options:\n  seccomp\n   Profile: default\n",
        rules=RULES.get(engine, "R5"),
        sums={"dockerd": digest("dockerd", engine)},
    )


def sent(box: str, variation: str) -> int:
    """34 bytes, 59 more for a label of 37 bytes, 15 for user.lab=1: as measured in results/sample."""
    return 34 + (59 if labelled(box) else 0) + (15 if variation != "none" else 0)


def built(box: str, variation: str, outcomes: tuple[Outcome, ...], expected: tuple[Outcome, ...] | None) -> BuildResult:
    made = reporting.build(outcomes, expected, context_bytes=sent(box, variation), dockerfile_bytes=185)
    took = {HIT: None, RAN: 0.5, UNKNOWN: None}
    steps = tuple(step.model_copy(update={"seconds": took[step.outcome]}) for step in made.steps)
    return made.model_copy(update={"steps": steps, "image": f"sha256:{digest(box, variation)}"})


def trial(whole: Made, producer: str, consumer: str, engine: str, variation: str) -> Trial:
    missed = engine in UNFIXED and labelled(producer) != labelled(consumer)
    changed = variation != "none"
    outcomes = (HIT, RAN, RAN) if missed or changed else (HIT, HIT, HIT)
    expected = (HIT, RAN, RAN) if changed else (HIT, HIT, HIT)
    source = CacheImport(ref=reference(producer, engine), ok=True)
    one = reporting.trial(
        producer,
        consumer,
        outcomes,
        Verdict.MISSED if outcomes != expected else Verdict.AS_EXPECTED,
        engine=engine,
        variation=variation,
        because="a user.* attribute on the consumer's file, which every BuildKit hashes" if changed else None,
        predicted=outcomes,
        build=built(consumer, variation, outcomes, expected).model_copy(update={"imports": (source,)}),
    )
    whole.contexts[one.name] = context(consumer, variation)
    if RAN in outcomes:
        whole.explanations.append(explanation(one.name, engine, producer, consumer, variation, selinux=missed))
    return one


def context(box: str, variation: str) -> list[Entry]:
    xattrs = {"security.selinux": LABEL.encode() + b"\0"} if labelled(box) else {}
    if variation != "none":
        xattrs["user.lab"] = b"1"
    made = file("bar", b"bar\n", xattrs=xattrs)
    return [replace(made, uid=1000, gid=1000, mtime_ns=1_795_469_386_000_000_000 + len(box))]


def explanation(
    name: str, engine: str, producer: str, consumer: str, variation: str, *, selinux: bool
) -> Explanation:  # fmt: skip
    label = {True: f"{LABEL}\\0", False: "absent"}
    differences = []
    if labelled(producer) != labelled(consumer):
        words = label[labelled(producer)], label[labelled(consumer)]
        differences.append(FieldDifference("bar", "security.selinux", *words, ("R1",)))
    if variation != "none":
        rules = tuple(f"R{number}" for number in range(1, 10))
        differences.append(FieldDifference("bar", "user.lab", "absent", "1", rules))
    cause = StepCause(
        instruction="COPY bar bar",
        role=Role.CAUSE,
        sentence=SENTENCE if selinux else "user.lab on bar is set on the consumer only.",
        differences=tuple(differences),
        evidence=(
            "34B without a label, 93B with one: 59B for security.selinux of 37 bytes",
            f"the consumer's record sha256:{digest(name, engine)[:12]}… is not in the producer's cache",
        ),
        issue="https://github.com/moby/buildkit/issues/1330" if selinux else None,
        fixed="Docker 19.03.13 and 20.10" if selinux else None,
        advice="use a fixed engine, or a context on a file system without labels" if selinux else None,
    )
    return Explanation(
        name,
        (
            StepCause("RUN echo foo", Role.HIT, "hit"),
            cause,
            StepCause("RUN echo baz", Role.CONSEQUENCE, "its parent missed"),
        ),
    )


def record(
    whole: Made,
    box: str,
    about: str,
    engine: str,
    producer: str,
    clock: datetime,
    *,
    push: bool,
    changed: bool,
    of: Trial | None = None,
) -> datetime:
    """Write a trial's or production's commands to the transcript; returns when the last one ended."""
    slug = about.replace(">", "_").replace(":", "_").replace("/", "_")
    home = f"/home/vagrant/lab-runs/{whole.run.name}/{engine}/{slug}"
    for argv, cwd, stdout, stderr, lasted in story(home, producer, engine, about, push, changed, of):
        docker = argv[0] == "docker"
        env = {"DOCKER_BUILDKIT": "1"} if docker else {}
        if docker and cwd:
            env["DOCKER_CONFIG"] = f"{home}/config"
        whole.exchanges.append(
            Exchange(box, about, tuple(argv), env, cwd, 0, stdout.encode(), stderr.encode(), clock, lasted)
        )
        clock += timedelta(seconds=lasted + 0.004)
    return clock


def story(
    home: str, producer: str, engine: str, about: str, push: bool, changed: bool, of: Trial | None
) -> Iterator[tuple[list[str], str | None, str, str, float]]:
    context = f"{home}/context"
    lost = "\n".join(digest(about, number)[:25] for number in range(7))
    pruned = f"Deleted Images:\nuntagged: x\n\nDeleted build cache objects:\n{lost}\n\nTotal reclaimed space: 144B\n"
    prune = ["docker", "system", "prune", "-a", "-f"]
    yield prune, None, pruned, "", 2.9
    yield ["mkdir", "-p", f"{home}/config", context], None, "", "", 0.4
    yield ["sh", "-c", f"set -e\n: > ./Dockerfile\nprintf %s '{DOCKERFILE}' >> ./Dockerfile"], context, "", "", 0.4
    if changed:
        yield ["setfattr", "-n", "user.lab", "-v", "1", "bar"], context, "", "", 0.4
    name = reference(producer, engine)
    cache = [] if push else ["--cache-from", name]
    words = [
        "docker",
        "build",
        "--progress=plain",
        "--build-arg",
        "BUILDKIT_INLINE_CACHE=1",
        *cache,
        "--tag",
        name,
        ".",
    ]
    yield words, context, "", log(about, name, of), 9.5 if changed or push else 6.1
    if push:
        yield ["docker", "push", name], context, f"The push refers to repository [{name}]\n", "", 4.2
        yield prune, None, pruned, "", 3.1


def log(about: str, name: str, of: Trial | None) -> str:
    def own(what: object) -> str:
        return digest(about, what)

    def common(what: object) -> str:
        return digest("common", what)

    outcomes = [step.outcome for step in of.build.steps] if of and of.build else [RAN, RAN, RAN]
    parts = [
        f"#1 [internal] load build definition from Dockerfile\n#1 sha256:{own(1)}\n#1 transferring dockerfile:\n"
        "#1 transferring dockerfile: 185B 0.7s done\n#1 DONE 2.0s",
        f"#2 [internal] load .dockerignore\n#2 sha256:{own(2)}\n#2 transferring context: 2B 0.2s done\n#2 DONE 0.3s",
        f"#3 [internal] load metadata for {BASE}\n#3 sha256:{common(3)}\n#3 DONE 0.7s",
        f"#4 importing cache manifest from {name}\n#4 sha256:{own(4)}\n#4 DONE 0.2s",
        f"#5 [1/4] FROM {BASE}\n#5 sha256:{common(5)}\n#5 DONE 0.0s",
        f"#7 [internal] load build context\n#7 sha256:{own(7)}\n#7 transferring context: 49B 0.1s done\n#7 DONE 0.3s",
        *(
            f"#{number} [{number - 4}/4] {step}\n#{number} sha256:{common(step)}\n"
            f"#{number} pulling sha256:{digest(name, step)} 0.6s done\n"
            + (f"#{number} CACHED" if outcome is HIT else f"#{number} DONE 0.5s")
            for number, (step, outcome) in enumerate(zip(STEPS, outcomes, strict=True), 6)
        ),
        f"#10 exporting to image\n#10 sha256:{common(10)}\n#10 exporting layers done\n"
        f"#10 writing image sha256:{own(10)} done\n#10 naming to {name} done\n#10 DONE 0.0s",
        f"#11 exporting cache\n#11 sha256:{common(11)}\n#11 preparing build cache for export done\n#11 DONE 0.0s",
    ]
    return "\n\n".join(parts) + "\n"
