"""The run as a POSIX script that does each host's part again with Docker alone, and says whether it came out alike."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC

from lab.errors import ConfigError, UsageError
from lab.model import Exchange
from lab.report.evidence import Evidence, producer_engine
from lab.report.script import context, shell
from lab.report.script.parts import ABOUT, BUSYBOX, EVERY, HEAD, JUDGE, ONE, STAMP, TAIL
from lab.results.run import BoxFacts, Production, Trial

_BUILD = ("build", "--progress=plain", "--build-arg", "BUILDKIT_INLINE_CACHE=1")


@dataclass(frozen=True)
class _Host:
    """One box with one engine, and what it did: the images it pushed, the trials it made."""

    name: str
    facts: BoxFacts | None
    productions: tuple[Production, ...]
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class _Part:
    """A host and the functions of the script that do its part."""

    name: str
    pushes: tuple[str, ...]
    rebuilds: tuple[str, ...]


class _Functions:
    """The functions of the script; contexts that are made alike share one."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._files: dict[str, str] = {}

    def add(self, kind: str, lines: list[str]) -> str:
        """Add a function and give its name."""
        name = f"{kind}_{len(self.texts) + 1}"
        self.texts.append(_function(name, lines))
        return name

    def files(self, lines: list[str]) -> str:
        """The function that makes a context by these lines."""
        text = "\n".join(lines)
        if text not in self._files:
            self._files[text] = self.add("files", lines)
        return self._files[text]


def script(evidence: Evidence) -> str:
    """A POSIX script for all hosts of the run: `sh SCRIPT HOST REGISTRY`; its head says how it is used.

    Contexts come from what was gathered of them, else from the very commands that wrote them. Raises UsageError if the
    run holds neither, ConfigError if a word of it is one that no shell takes. Nothing is redacted: a file that is not
    the same is no proof.
    """
    return _script(evidence, _hosts(evidence), "")


def scripts(evidence: Evidence) -> dict[str, str]:
    """A POSIX script for each host by its name: `sh SCRIPT REGISTRY`; raises as `script` does."""
    return {host.name: _script(evidence, [host], host.name) for host in _hosts(evidence)}


def _script(evidence: Evidence, hosts: list[_Host], only: str) -> str:
    """The script for these hosts; `only` names the host of a script that is one host's."""
    functions = _Functions()
    try:
        done = [_part(evidence, host, functions) for host in hosts]
    except ValueError as error:
        raise ConfigError(f"cannot write a script for {evidence.run.name}: a command of it holds a NUL") from error
    makes_base = _own_base(evidence) and any(part.pushes for part in done)
    parts = [_heading(evidence, hosts, only), HEAD, _base(evidence, makes_base)]
    parts += [STAMP] if any("\nstamp " in text for text in functions.texts) else []
    parts += [BUSYBOX] if makes_base else []
    parts += [JUDGE] if any(part.rebuilds for part in done) else []
    parts += [*functions.texts, _dispatch(done, only), TAIL]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _hosts(evidence: Evidence) -> list[_Host]:
    """The hosts that did something whose files are known, producers first; UsageError if there is none."""
    run = evidence.run
    made = [item for item in run.productions if item.problem is None and _known(evidence, evidence.phase(item))]
    trials = [item for item in run.trials if item.build is not None and _known(evidence, item.name)]
    keys = dict.fromkeys(
        [*((item.producer, item.engine) for item in made), *((item.consumer, item.engine) for item in trials)]
    )
    if not keys:
        raise UsageError(
            f"cannot write a script for {run.name}: it holds no build whose files are known",
            hint="a run keeps them in its transcript.jsonl; --format md tells what is known",
        )
    boxes = [box for box, _ in keys]
    return [
        _Host(
            box if boxes.count(box) == 1 and box != "all" else f"{box}:{engine}",
            evidence.facts(box, engine),
            tuple(item for item in made if (item.producer, item.engine) == (box, engine)),
            tuple(item for item in trials if (item.consumer, item.engine) == (box, engine)),
        )
        for box, engine in keys
    ]


def _part(evidence: Evidence, host: _Host, functions: _Functions) -> _Part:
    """Add the functions of one host's part."""
    return _Part(
        host.name,
        tuple(functions.add("push", _push(evidence, item, functions)) for item in host.productions),
        tuple(functions.add("rebuild", _rebuild(evidence, item, functions)) for item in host.trials),
    )


def _known(evidence: Evidence, about: str) -> bool:
    """Whether the files of that build are known."""
    gathered = evidence.contexts.get(about)
    return bool(_writing(evidence, about)) or bool(gathered and context.whole(gathered))


def _push(evidence: Evidence, production: Production, functions: _Functions) -> list[str]:
    about = evidence.phase(production)
    facts = evidence.facts(production.producer, production.engine)
    return [
        f"say {shell.word(f'{production.producer} builds, pushes, prunes')}",
        *_prepared(evidence, about, facts.server if facts else "", functions, own_base=_own_base(evidence)),
        f"build {_words(evidence, about, production.reference, None)}",
        f"engine push {_reference(evidence, production.reference)}",
        "prune",
    ]


def _rebuild(evidence: Evidence, trial: Trial, functions: _Functions) -> list[str]:
    facts = evidence.facts(trial.consumer, trial.engine)
    wanted = (trial.producer, producer_engine(trial))
    productions = evidence.run.productions
    reference = next((made.reference for made in productions if (made.producer, made.engine) == wanted), "")
    lines = [
        f"say {shell.word(f'{trial.consumer} rebuilds what {trial.producer} pushed, variation {trial.variation}')}",
        *_prepared(evidence, trial.name, facts.server if facts else "", functions, own_base=False),
        f"build {_words(evidence, trial.name, reference, reference)}",
        f"imported {_reference(evidence, reference)}",
    ]
    assert trial.build  # else it is not in the script
    if trial.build.context_bytes is not None:
        lines.append(f"sent {trial.build.context_bytes}B")
    for number, step in enumerate(trial.build.steps, 2):
        # no output shows a NUL: such a step will be unknown, as it was to the run
        lines.append(f"step {number} {shell.word(step.instruction.replace(chr(0), ''))} {step.outcome.value}")
    return lines


def _prepared(evidence: Evidence, about: str, server: str, functions: _Functions, *, own_base: bool) -> list[str]:
    """A pruned Docker, a new folder, the context in it."""
    base = evidence.run.base
    gathered = evidence.contexts.get(about, ())
    files = [] if gathered and context.whole(gathered) else [_command(item) for item in _writing(evidence, about)]
    files += context.recreate(gathered)
    lines = [f"version {shell.word(server)}"] if server else []
    lines += ["prune", *(["busybox_base"] if own_base else []), "begin", functions.files(files)]
    if base and base.reference in evidence.run.dockerfile:
        lines.append(f"rebase {shell.word(base.reference)}")
    return lines


def _writing(evidence: Evidence, about: str) -> list[Exchange]:
    """The commands that made a context and varied it: all that ran in its folder before the build."""
    exchanges = evidence.during(about)
    building = next((number for number, item in enumerate(exchanges) if _is_build(item)), None)
    if building is None or exchanges[building].cwd is None:
        return []
    return [item for item in exchanges[:building] if item.cwd == exchanges[building].cwd and item.exit == 0]


def _is_build(item: Exchange) -> bool:
    return "build" in item.argv and "--tag" in item.argv


def _command(item: Exchange) -> str:
    """One recorded command as it was given."""
    return " ".join([*(f"{name}={shell.word(value)}" for name, value in item.env.items()), *map(shell.word, item.argv)])


def _words(evidence: Evidence, about: str, reference: str, source: str | None) -> str:
    """The words of a build: those recorded, from `build` on; without a transcript, those of every run."""
    recorded = next((item.argv for item in evidence.during(about) if _is_build(item)), None)
    if recorded:
        first = next(number for number, text in enumerate(recorded) if text in ("build", "buildx"))
        return " ".join(_reference(evidence, text) for text in recorded[first:])
    words = [*_BUILD, *(("--cache-from", source) if source else ()), "--tag", reference, "."]
    return " ".join(_reference(evidence, text) for text in words)


def _reference(evidence: Evidence, text: str) -> str:
    """A word in which the run's registry gives way to the one that the script is called with."""
    before, registry, after = text.partition(f"{evidence.run.registry}/")
    if not registry or re.search(r"[A-Za-z0-9]$", before):
        return shell.word(text)
    return f'{shell.word(before) if before else ""}"$REGISTRY"{shell.word("/" + after)}'


def _own_base(evidence: Evidence) -> bool:
    """True if lab made the base image for the run, so that nobody else has it."""
    return evidence.run.base is None or evidence.run.base.source == "busybox"


def _base(evidence: Evidence, makes_base: bool) -> str:
    """The function that sets BASE; `own_base` is asked for only where a host makes lab's own."""
    base = evidence.run.base
    if base is None or _own_base(evidence):
        ours = "BASE=$REGISTRY/lab-base:busybox" + ("; own_base=yes" if makes_base else "")
        chosen = [*(["own_base="] if makes_base else []), f'if [ -z "${{BASE:-}}" ]; then {ours}; fi']
    else:
        chosen = [f'if [ -z "${{BASE:-}}" ]; then BASE={shell.word(base.reference)}; fi']
    return _function("choose_base", chosen)


def _function(name: str, lines: list[str]) -> str:
    """A function; lines are not indented, since a text of several lines within quotes would change."""
    return "\n".join([f"{name}() {{", *lines, "}"])


def _dispatch(parts: list[_Part], only: str) -> str:
    """What each host does; with `all`, every push comes before every rebuild."""
    known = " | ".join([*(shell.word(part.name) for part in parts), *([] if only else ["all"])])
    lines = []
    for other, kind in (("rebuild", "pushes"), ("push", "rebuilds")):
        functions = {part.name: getattr(part, kind) for part in parts}
        lines += [f'if [ "$PHASE" != {other} ]; then', "case $HOST in"]
        lines += [f"{shell.word(name)}) {'; '.join(names) or ':'} ;;" for name, names in functions.items()]
        every = ["all)", *(name for names in functions.values() for name in names), ":", ";;"]
        lines += [*([] if only else every), "esac", "fi"]
    is_host = _function("is_host", [f"case $HOST in {known}) ;; *) return 1 ;; esac"])
    return f"{is_host}\n\n{_function('do_parts', lines)}"


def _heading(evidence: Evidence, hosts: list[_Host], only: str) -> str:
    """What the script is and how it is called; a script of one host is not called with the host's name."""
    run = evidence.run
    base = (
        run.base.reference if run.base and not _own_base(evidence) else "lab's own, of busybox; this script makes one"
    )
    names = [host.name for host in hosts]
    call, whose = ("", ONE) if only else (f"{shell.word(names[0])} ", EVERY)
    lines = [
        f"Run {run.name} of {run.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {run.summary}",
        "",
        *ABOUT.format(call=call, whose=whose.strip("\n")).strip("\n").split("\n"),
        "",
        *_replaced(evidence),
        f"Base image of the run: {base}",
        *(f"Host: {host.name}{_facts(host)}" for host in hosts),
    ]
    words = " REGISTRY [push|rebuild]" if only else f" HOST REGISTRY [push|rebuild], HOST being {', '.join(names)}, all"
    usage = _function("usage", [f"printf 'usage: sh %s%s\\n' \"$0\" {shell.word(words)} >&2", "exit 2"])
    return "\n".join(["#!/bin/sh", *map(shell.comment, lines), "", usage, "", f"only={shell.word(only)}"])


def _replaced(evidence: Evidence) -> list[str]:
    """A warning where redaction has changed something: the files are then the same on both sides, but not the run's."""
    if not evidence.redacted:
        return []
    counts = ", ".join(f"{kind} {number}" for kind, number in sorted(evidence.redacted.items()))
    return [f"Replaced by placeholders: {counts}; `--no-redact` keeps them.", ""]


def _facts(host: _Host) -> str:
    box = host.facts
    return f" ({box.os}, kernel {box.kernel}, Docker {box.server}, SELinux {box.selinux})" if box else ""
