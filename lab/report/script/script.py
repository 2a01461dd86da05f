"""The run as a POSIX script that repeats each host's part with Docker alone and compares the outcomes.

The commands of the run come first, since a person reads them; the functions that they call are below.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.errors import UsageError
from lab.report.evidence import Evidence, producer_engine
from lab.report.repeats import groups_of
from lab.report.script import context, project, shell
from lab.report.script.clients import BUILDCTL, BUILDX
from lab.report.script.heading import function, heading, own_base, usage
from lab.report.script.host import Host
from lab.report.script.judge import JUDGE
from lab.report.script.parts import BELOW, BUSYBOX, HEAD, STAMP, TAIL
from lab.report.script.places import places_of
from lab.report.script.recorded import as_typed, client_command, written
from lab.report.script.sequence import left_out, repeats_steps
from lab.report.script.sides import consumer_lines, edits_dockerfile, producer_lines
from lab.report.script.steps.build import compared
from lab.report.script.steps.table import STEPS
from lab.report.script.words import Words
from lab.report.trials import bytes_sent, sent_word
from lab.results.facts import Given
from lab.results.run import Production, Run, Trial


class NoScriptError(UsageError):
    """The run cannot become a script: no build of it worked, their files are not known, or a command holds a NUL."""


_BUILDCTL = (
    *("build", "--progress=plain", "--frontend", "dockerfile.v0", "--local", "context=.", "--local", "dockerfile=."),
    *("--export-cache", "type=inline"),
)
_BUILDX = ("build", "--builder", "lab", "--progress=plain", "--cache-to", "type=inline")
_BUILD = ("build", "--progress=plain", "--build-arg", "BUILDKIT_INLINE_CACHE=1")


@dataclass(frozen=True)
class _Part:
    """A host and the names of the functions that do its part."""

    name: str
    pushes: tuple[str, ...]
    rebuilds: tuple[str, ...]


class _Functions:
    """The functions of the script; equal contexts share one."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._files: dict[str, str] = {}

    def add(self, kind: str, lines: list[str], about: str = "") -> str:
        """Add a function; returns its name."""
        name = f"{kind}_{len(self.texts) + 1}"
        self.texts.append(function(name, lines, about))
        return name

    def files(self, lines: list[str]) -> str:
        """The name of the function that makes a context with these lines."""
        text = "\n".join(lines)
        if text not in self._files:
            self._files[text] = self.add("files", lines)
        return self._files[text]


def script(evidence: Evidence) -> str:
    """A POSIX script for all hosts of the run: `sh SCRIPT HOST REGISTRY`; its head describes how to use it.

    Contexts come from the recorded files, else from the recorded commands that wrote them. Raises NoScriptError if the
    run has neither, or if a command holds a NUL. Nothing is redacted here: a changed file proves nothing.
    """
    return _script(evidence, _hosts(evidence), "")


def scripts(evidence: Evidence) -> dict[str, str]:
    """A POSIX script for each host, by its name: `sh SCRIPT REGISTRY`; raises what `script` raises."""
    return {host.name: _script(evidence, [host], host.name) for host in _hosts(evidence)}


def _script(evidence: Evidence, hosts: list[Host], only: str) -> str:
    """The script for these hosts; `only` is the name of the host in a script for one host, else empty."""
    functions = _Functions()
    try:
        done = [_part(evidence, host, functions) for host in hosts]
    except ValueError as error:
        raise NoScriptError(
            f"cannot write a script for {evidence.run.name}: one of its commands holds a NUL"
        ) from error
    makes_base = own_base(evidence) and any(part.pushes for part in done)
    parts = [heading(evidence, hosts, only), *functions.texts, BELOW, usage(hosts, only), HEAD]
    parts += [f"LEFT_OUT={len(left_out(evidence))} # steps of the run's sequence", _base(evidence, makes_base)]
    parts += _step_functions(functions.texts)
    parts += [STAMP] if any("\nstamp " in text for text in functions.texts) else []
    parts += [project.PROJECT] if evidence.run.project else []
    parts += [BUSYBOX] if makes_base else []
    parts += [BUILDCTL] if any(not host.has_docker for host in hosts) else []
    parts += [BUILDX] if any(host.has_remote_buildx for host in hosts) else []
    parts += [JUDGE] if any(part.rebuilds for part in done) else []
    parts += [_dispatch(done, only), _need_clients(hosts), TAIL]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _no_script(run: Run) -> NoScriptError:
    if run.productions and all(item.problem for item in run.productions):
        return NoScriptError(
            f"cannot write a script for {run.name}: none of its images could be built and pushed",
            hint="--format md reports why",
        )
    return NoScriptError(
        f"cannot write a script for {run.name}: the files of its builds are not known",
        hint="a run keeps them in transcript.jsonl; --format md reports what is known",
    )


def _step_functions(texts: list[str]) -> list[str]:
    """The functions of the kinds of step that these texts call."""
    known = {name: text for kind in STEPS.values() for name, text in kind.functions.items()}
    return [text for name, text in known.items() if any(f"\n{name} " in made for made in texts)]


def _hosts(evidence: Evidence) -> list[Host]:
    """The hosts with a build whose files are known, producers first; NoScriptError if there is none."""
    run = evidence.run
    known = [item for item in run.productions if item.problem is None and _known(evidence, evidence.phase(item))]
    made = list({(item.producer, item.engine): item for item in known}.values())  # the newest of a resumed run
    read = [item for item in run.trials if item.build is not None and _known(evidence, item.name)]
    trials = [group[0] for group in groups_of(read)]  # the script makes a trial once, however often it was repeated
    keys = dict.fromkeys(
        [*((item.producer, item.engine) for item in made), *((item.consumer, item.engine) for item in trials)]
    )
    if not keys:
        raise _no_script(run)
    boxes = [box for box, _ in keys]
    return [
        Host(
            box if boxes.count(box) == 1 and box != "all" else f"{box}:{engine}",
            evidence.facts(box, engine),
            tuple(item for item in made if (item.producer, item.engine) == (box, engine)),
            tuple(item for item in trials if (item.consumer, item.engine) == (box, engine)),
        )
        for box, engine in keys
    ]


def _part(evidence: Evidence, host: Host, functions: _Functions) -> _Part:
    """Add the functions of one host's part."""
    return _Part(
        host.name,
        tuple(functions.add("push", *_push(evidence, item, functions, host)) for item in host.productions),
        tuple(functions.add("rebuild", *_rebuild(evidence, item, functions, host)) for item in host.trials),
    )


def _known(evidence: Evidence, about: str) -> bool:
    """True if the files of that build are known."""
    gathered = evidence.contexts.get(about)
    if evidence.run.project:
        return bool(gathered)
    return bool(written(evidence.during(about))) or bool(gathered and context.whole(gathered))


def _push(evidence: Evidence, production: Production, functions: _Functions, host: Host) -> tuple[list[str], str]:
    """The lines of a producer's part, and what they are about."""
    about = evidence.phase(production)
    if repeats_steps(evidence):
        title, steps = producer_lines(evidence, production, host, functions.files)
        made = [f"make_base{host.suffix}"] if own_base(evidence) else []
        return [*_begun(title, host), *made, *steps], title
    title = f"{production.producer} builds, pushes, prunes"
    reference = Words(evidence.run.registry).of(production.reference)
    lines = [
        *_begun(title, host),
        *([f"make_base{host.suffix}"] if own_base(evidence) else []),
        functions.files(_files(evidence, about, production.options)),
        _build(evidence, about, production.reference, None, host),
        *([f"docker push {reference}"] if host.has_docker else []),  # buildctl has pushed with the build
        host.prune,
    ]
    return lines, title


def _rebuild(evidence: Evidence, trial: Trial, functions: _Functions, host: Host) -> tuple[list[str], str]:
    """The lines of one trial, and what they are about."""
    if repeats_steps(evidence):
        title, steps = consumer_lines(evidence, trial, host, functions.files)
        return [*_begun(title, host), *steps], title
    wanted = (trial.producer, producer_engine(trial))
    productions = evidence.run.productions
    reference = next((made.reference for made in productions if (made.producer, made.engine) == wanted), "")
    title = f"{trial.consumer} rebuilds what {trial.producer} pushed, variation {trial.variation}"
    lines = [
        *_begun(title, host),
        functions.files(_files(evidence, trial.name, trial.options, trial.dockerfile)),
        _build(evidence, trial.name, reference, reference, host),
    ]
    source = Words(evidence.run.registry).of(reference)
    if trial.build and not any(item.absent for item in trial.build.imports):
        lines.append(f"imported {source}")
    sent = bytes_sent(trial)
    lines += [f"sent {sent_word(sent)}"] if sent is not None else []
    if trial.build:
        edited = edits_dockerfile(evidence, trial.name, trial.dockerfile)
        lines += compared(trial.build, None, places_of(evidence.run, trial.options), edited=edited)
    return lines, title


def _begun(title: str, host: Host) -> list[str]:
    """A new folder, and a pruned engine."""
    server = shell.word(host.facts.server if host.facts else "")
    return [f"begin {shell.word(title)} {server} version{host.suffix}", host.prune]


def _files(evidence: Evidence, about: str, given: Given, dockerfile: str | None = None) -> list[str]:
    """The commands that make the context of a build, which got these options.

    `dockerfile` is the text of a Dockerfile beside the context, if it is another one than that of the run.
    """
    recorded = evidence.contexts.get(about, ())
    if own := evidence.run.project:
        return [
            *project.taken(own, recorded),
            *context.recreate(recorded),
            *project.beside(evidence, given, dockerfile),
        ]
    files = [] if recorded and context.whole(recorded) else list(map(as_typed, written(evidence.during(about))))
    return [*files, *context.recreate(recorded)]


def _build(evidence: Evidence, about: str, reference: str, source: str | None, host: Host) -> str:
    """The command of the last build: the recorded one; without a transcript, the usual one."""
    found = [command for item in evidence.during(about) if (command := client_command(item)) and command.builds]
    words = list(found[-1].words) if found else _usual(reference, source, host)
    return " ".join([host.builder, *map(Words(evidence.run.registry).of, words)])


def _usual(reference: str, source: str | None, host: Host) -> list[str]:
    """The words of a build that pushes the image, or of one that rebuilds it from the image `source`."""
    caches = ["--cache-from", source] if source else []
    output = ["--output", f"type=image,name={reference},push={'false' if source else 'true'}"]
    if host.has_remote_buildx:
        return [*_BUILDX, *output, *caches, "--tag", reference, "."]
    if host.has_docker:
        return [*_BUILD, *caches, "--tag", reference, "."]
    return [*_BUILDCTL, *(("--import-cache", f"type=registry,ref={source}") if source else ()), *output]


def _base(evidence: Evidence, makes_base: bool) -> str:
    """The function that sets BASE and RUN_BASE; `own_base` is set where the script can make the image itself."""
    base = evidence.run.base
    if evidence.run.project and base is None:
        chosen = ["BASE=none"]
    elif base is None or own_base(evidence):
        ours = "BASE=$REGISTRY/lab-base:busybox" + ("; own_base=yes" if makes_base else "")
        chosen = [*(["own_base="] if makes_base else []), f'if [ -z "${{BASE:-}}" ]; then {ours}; fi']
    else:
        chosen = [f'if [ -z "${{BASE:-}}" ]; then BASE={shell.word(base.reference)}; fi']
    named = base.reference if base and _names(evidence, base.reference) else ""
    return function("choose_base", [f"RUN_BASE={shell.word(named)}", *chosen])


def _names(evidence: Evidence, reference: str) -> bool:
    """True if the Dockerfile names this image, or a file that a step builds from."""
    written_words = (word for item in evidence.exchanges if item.cwd for word in item.argv)
    return reference in evidence.run.dockerfile or (
        repeats_steps(evidence) and any(reference in word for word in written_words)
    )


def _need_clients(hosts: list[Host]) -> str:
    """The function that checks that the clients of the host's part are installed."""
    lines = []
    for client in dict.fromkeys(host.client for host in hosts):
        names = [shell.word(host.name) for host in hosts if host.client == client]
        lines.append(f"case $HOST in {' | '.join([*names, 'all'])}) need {client} ;; esac")
    return function("need_clients", lines)


def _dispatch(parts: list[_Part], only: str) -> str:
    """The part of each host; with `all`, every push comes before every rebuild."""
    known = " | ".join([*(shell.word(part.name) for part in parts), *([] if only else ["all"])])
    lines = []
    for other, kind in (("rebuild", "pushes"), ("push", "rebuilds")):
        functions = {part.name: getattr(part, kind) for part in parts}
        lines += [f'if [ "$PHASE" != {other} ]; then', "case $HOST in"]
        lines += [f"{shell.word(name)}) {'; '.join(names) or ':'} ;;" for name, names in functions.items()]
        every = ["all)", *(name for names in functions.values() for name in names), ":", ";;"]
        lines += [*([] if only else every), "esac", "fi"]
    is_host = function("is_host", [f"case $HOST in {known}) ;; *) return 1 ;; esac"])
    return f"{is_host}\n\n{function('do_parts', lines)}"
