"""The run as a POSIX script that does each host's part again with Docker alone, and says whether it came out alike."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC

from lab.errors import ConfigError, UsageError
from lab.model import Exchange
from lab.report import context, shell
from lab.report.evidence import Evidence, producer_engine
from lab.report.script_parts import ABOUT, BUSYBOX, HEAD, JUDGE, STAMP, TAIL
from lab.results import Production, Trial

_BUILD = ("build", "--progress=plain", "--build-arg", "BUILDKIT_INLINE_CACHE=1")


@dataclass(frozen=True)
class _Host:
    """One box with one engine, and the functions of the script that do its part."""

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
    functions = _Functions()
    try:
        hosts = _hosts(evidence, functions)
    except ValueError as error:
        raise ConfigError(f"cannot write a script for {evidence.run.name}: a command of it holds a NUL") from error
    if not hosts:
        raise UsageError(
            f"cannot write a script for {evidence.run.name}: it holds no build whose files are known",
            hint="a run keeps them in its transcript.jsonl; --format md tells what is known",
        )
    parts = [_heading(evidence, hosts), HEAD, _base(evidence)]
    parts += [STAMP] if any("\nstamp " in text for text in functions.texts) else []
    parts += [BUSYBOX] if _own_base(evidence) and any(host.pushes for host in hosts) else []
    parts += [JUDGE] if any(host.rebuilds for host in hosts) else []
    parts += [*functions.texts, _dispatch(hosts), TAIL]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _hosts(evidence: Evidence, functions: _Functions) -> list[_Host]:
    """The hosts in the order of the run; their functions are added to `functions`."""
    pushes: dict[tuple[str, str], list[str]] = {}
    rebuilds: dict[tuple[str, str], list[str]] = {}
    for production in evidence.run.productions:
        if production.problem is None and _known(evidence, evidence.phase(production)):
            name = functions.add("push", _push(evidence, production, functions))
            pushes.setdefault((production.producer, production.engine), []).append(name)
    for trial in evidence.run.trials:
        if trial.build is not None and _known(evidence, trial.name):
            name = functions.add("rebuild", _rebuild(evidence, trial, functions))
            rebuilds.setdefault((trial.consumer, trial.engine), []).append(name)
    keys = list(dict.fromkeys([*pushes, *rebuilds]))
    boxes = [box for box, _ in keys]
    return [
        _Host(
            box if boxes.count(box) == 1 and box != "all" else f"{box}:{engine}",
            tuple(pushes.get((box, engine), ())),
            tuple(rebuilds.get((box, engine), ())),
        )
        for box, engine in keys
    ]


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


def _base(evidence: Evidence) -> str:
    base = evidence.run.base
    if base is None or _own_base(evidence):
        chosen = ["own_base=", 'if [ -z "${BASE:-}" ]; then BASE=$REGISTRY/lab-base:busybox; own_base=yes; fi']
    else:
        chosen = [f'if [ -z "${{BASE:-}}" ]; then BASE={shell.word(base.reference)}; fi']
    return _function("choose_base", chosen)


def _function(name: str, lines: list[str]) -> str:
    """A function; lines are not indented, since a text of several lines within quotes would change."""
    return "\n".join([f"{name}() {{", *lines, "}"])


def _dispatch(hosts: list[_Host]) -> str:
    """What each host does; with `all`, every push comes before every rebuild."""
    known = " | ".join(shell.word(host.name) for host in hosts)
    lines = []
    for other, kind in (("rebuild", "pushes"), ("push", "rebuilds")):
        parts = {host.name: getattr(host, kind) for host in hosts}
        lines += [f'if [ "$PHASE" != {other} ]; then', "case $HOST in"]
        lines += [f"{shell.word(name)}) {'; '.join(names) or ':'} ;;" for name, names in parts.items()]
        lines += ["all)", *(name for names in parts.values() for name in names), ":", ";;", "esac", "fi"]
    is_host = _function("is_host", [f"case $HOST in {known} | all) ;; *) return 1 ;; esac"])
    return f"{is_host}\n\n{_function('do_parts', lines)}"


def _heading(evidence: Evidence, hosts: list[_Host]) -> str:
    run = evidence.run
    base = (
        run.base.reference if run.base and not _own_base(evidence) else "lab's own, of busybox; this script makes one"
    )
    names = [host.name for host in hosts]
    lines = [
        f"Run {run.name} of {run.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {run.summary}",
        "",
        *ABOUT.format(host=shell.word(names[0])).strip("\n").split("\n"),
        "",
        *_replaced(evidence),
        f"Base image of the run: {base}",
        *(f"Host: {name}{_facts(evidence, name)}" for name in names),
    ]
    words = shell.word(f" HOST REGISTRY [push|rebuild], HOST being {', '.join([*names, 'all'])}")
    usage = _function("usage", [f"printf 'usage: sh %s%s\\n' \"$0\" {words} >&2", "exit 2"])
    return "\n".join(["#!/bin/sh", *map(shell.comment, lines), "", usage])


def _replaced(evidence: Evidence) -> list[str]:
    """A warning where redaction has changed something: the files are then the same on both sides, but not the run's."""
    count = sum(evidence.redacted.values())
    if not count:
        return []
    return [f"Replaced by placeholders: {count} places that held secrets; `--no-redact` keeps them.", ""]


def _facts(evidence: Evidence, name: str) -> str:
    box = next((box for box in evidence.run.boxes if name in (box.name, f"{box.name}:{box.engine}")), None)
    return f" ({box.os}, kernel {box.kernel}, Docker {box.server}, SELinux {box.selinux})" if box else ""
