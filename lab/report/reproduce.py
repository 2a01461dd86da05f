"""How to reproduce: Dockerfile, base image, versions, settings, and the commands with the output that came back."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from lab.buildkit.contenthash.entry import shown as name_of
from lab.counting import counted
from lab.model import Exchange
from lab.report import docker, excerpt, markup, printable
from lab.report.evidence import Evidence, producer_engine
from lab.results.facts import BoxFacts
from lab.results.run import Trial
from lab.versions import titled

Host = tuple[str, str]  # a box and an engine
WIDTH = 100  # columns of a command before it continues on the next line
MAX_LINES = 20
_WRITES = re.compile(r": > (?P<to>\S+)\n(?P<print>printf %s .*?) >> (?P=to)$", re.DOTALL | re.MULTILINE)
BUSYBOX_BASE = """\
$ mkdir -p root/bin && cp "$(command -v busybox)" root/bin/ && ln -s busybox root/bin/sh   # a static busybox
$ tar -C root -c bin | docker import - {name}
$ docker push {name}"""
BUILDKIT_BASE = """\
$ mkdir -p root/bin && cp "$(command -v busybox)" root/bin/ && ln -s busybox root/bin/sh   # a static busybox
$ mkdir base && tar -C root -c -f base/root.tar bin && printf 'FROM scratch\\nADD root.tar /\\n' > base/Dockerfile
$ buildctl build --frontend dockerfile.v0 --local context=base --local dockerfile=base \\
>     --output type=image,name={name},push=true"""


def steps_to_reproduce(evidence: Evidence, shown: list[Trial]) -> str:
    """The Dockerfile and its base image, then for each host of these trials what it did, in the order of the run."""
    run = evidence.run
    dockerfile = run.dockerfile
    if _own_base(evidence) and run.base:
        dockerfile = dockerfile.replace(run.base.reference, _base_name(evidence))
    parts = [markup.fence(dockerfile, "dockerfile"), _base(evidence), _setting(evidence, shown)]
    parts.append(_attributes(evidence, shown))
    if not evidence.exchanges:
        parts.append(_in_general())
    hosts: list[Host] = []
    for trial in shown:
        hosts += [(trial.producer, producer_engine(trial)), (trial.consumer, trial.engine)]
    printed: dict[str, str] = {}
    for host in dict.fromkeys(hosts):
        parts.append(_section(evidence, host, shown, printed))
    return "\n\n".join(part for part in parts if part)


def _own_base(evidence: Evidence) -> bool:
    return evidence.run.base is not None and evidence.run.base.source == "busybox"


def _base_name(evidence: Evidence) -> str:
    """The base image that lab made, by a name without digest: the digest of a reader's own image is another one."""
    base = evidence.run.base
    return base.reference.partition("@")[0] if base else ""


def _base(evidence: Evidence) -> str:
    """How a reader gets the base image: by pulling it, or by commands that make it."""
    base = evidence.run.base
    if base is None and evidence.run.project:
        return ""
    if base is None:
        return "The base image is not known."
    if _own_base(evidence):
        has_docker = any(box.is_docker for box in evidence.run.boxes) or not evidence.run.boxes
        lines = (BUSYBOX_BASE if has_docker else BUILDKIT_BASE).format(name=_base_name(evidence))
        return (
            f"The base image holds one static busybox and nothing else. The run used {markup.code(base.reference)}. "
            f"These commands make one:\n\n{markup.fence(lines, 'console')}"
        )
    if base.reference.startswith(f"{evidence.run.registry}/"):
        return (
            f"The base image {markup.code(base.reference)} is in the registry of the run and may not be public. "
            "Any image that has a shell will do."
        )
    return f"The base image is public: {markup.code(f'docker pull {base.reference}')}."


def _setting(evidence: Evidence, shown: Sequence[Trial]) -> str:
    registry = evidence.run.registry
    text = f"Images go through the registry {markup.code(registry)}"
    if registry.split(":", maxsplit=1)[0] in ("localhost", "127.0.0.1"):
        text += "; every registry that both machines can push to and pull from will do"
    text += ". Each build starts with a pruned engine, in a new folder with the same files."
    names = [trial.name for trial in shown]
    phases = [evidence.phase(made) for made in evidence.run.productions]
    calls = {
        shlex.join(found[0])
        for about in [*names, *phases]
        for item in evidence.during(about)
        if (found := docker.split(item.argv)) and len(found[0]) > 1
    }
    if calls:
        clients = ", ".join(markup.code(call) for call in sorted(calls)[:4])
        text += f" The commands are shown as you type them; the run called its private engines with {clients}."
    return text


def _attributes(evidence: Evidence, shown: Sequence[Trial]) -> str:
    """Commands that set the attributes by which the consumer's files differ, for a machine that does not set them."""
    lines = []
    for trial in shown:
        cause = evidence.cause(trial)
        entries = {name_of(entry.path): entry for entry in evidence.contexts.get(trial.name, ())}
        typed = {word for item in evidence.during(trial.name) for word in item.argv}
        for item in cause.differences if cause else ():
            value = entries[item.path].xattrs.get(item.field) if item.path in entries else None
            if value is not None and item.field not in typed:
                words = ("setfattr", "-n", item.field, "-v", f"0x{value.hex()}", item.path)
                lines.append(f"# {shlex.join(words)}")
    if not lines:
        return ""
    text = "The consumer's machine gives its files these attributes. On another machine, set them as root first:"
    return f"{text}\n\n{markup.fence(chr(10).join(dict.fromkeys(lines)), 'console')}"


def _in_general() -> str:
    commands = [
        "docker build --build-arg BUILDKIT_INLINE_CACHE=1 --tag REF .     # on the producer",
        "docker push REF",
        "docker system prune -a -f",
        "docker build --build-arg BUILDKIT_INLINE_CACHE=1 --cache-from REF --tag REF .     # on the consumer",
    ]
    return "This run has no transcript. Its commands, without their output:\n\n" + markup.fence(
        "\n".join(commands), "console"
    )


def _section(evidence: Evidence, host: Host, shown: list[Trial], printed: dict[str, str]) -> str:
    """One host; `printed` holds the versions and settings that were printed before, so that none is printed twice."""
    name, engine = host
    facts = evidence.facts(name, engine)
    made = [trial for trial in shown if (trial.producer, producer_engine(trial)) == host]
    rebuilt = [trial for trial in shown if (trial.consumer, trial.engine) == host]
    roles = [*(["builds, pushes, prunes"] if made else []), *(["rebuilds from the pushed cache"] if rebuilt else [])]
    heading = (
        f"### {markup.prose(name)} with {markup.prose(facts.title if facts else titled(engine))}: {' and '.join(roles)}"
    )
    lines = _versions(facts, printed) if facts else []
    used = [evidence.run.production_of(trial) for trial in made]
    for production in evidence.run.productions:
        if production in used:
            lines += ["", *_commands(evidence, evidence.during(evidence.phase(production)))]
    for trial in rebuilt:
        typed = _commands(evidence, [item for item in evidence.during(trial.name) if not docker.prunes(item.argv)])
        lines += ["", f"# {printable.line(trial.name)}", *typed] if typed else []
    return f"{heading}\n\n{_description(facts)}{markup.fence(chr(10).join(lines), 'console')}"


def _description(facts: BoxFacts | None) -> str:
    if facts is None:
        return ""
    security = ", ".join(facts.security) or "none"
    text = f"{facts.summary}. {facts.os}, kernel {facts.kernel}, {facts.storage}, security options: {security}"
    return f"{markup.prose(text)}; SELinux {markup.prose(facts.selinux)}.\n\n"


def _versions(facts: BoxFacts, printed: dict[str, str]) -> list[str]:
    lines = []
    for command, found in _answers(facts):
        text = "\n".join(found.lines)
        before = printed.setdefault(text, facts.name)
        lines += [f"$ {command}", f"[the same as on {before}]" if before != facts.name else found.text]
    return lines


def _answers(facts: BoxFacts) -> list[tuple[str, excerpt.Excerpt]]:
    """What the engine's client says of versions and settings, by the command that asks."""
    if facts.is_docker:
        return [("docker version", excerpt.version(facts.version)), ("docker info", excerpt.info(facts.info))]
    texts = {"buildctl debug info": facts.version, "buildctl debug workers --verbose": facts.info}
    return [(command, excerpt.ends(text.encode())) for command, text in texts.items()]


def _commands(evidence: Evidence, exchanges: list[Exchange]) -> list[str]:
    lines: list[str] = []
    begun = False
    for item in exchanges:
        prunes = docker.prunes(item.argv)
        # a command outside the context's folder prepares or inspects; a prune before the build is part of it too, and
        # so is the builder that buildx makes
        if (item.cwd is None and not prunes and docker.client(item.argv) != "docker-buildx") or (prunes and not begun):
            continue
        begun = True
        if typed := _typed(evidence, item):
            lines += [*typed, *_output(item)]
    return lines


def _typed(evidence: Evidence, item: Exchange) -> list[str]:
    """The command as a person types it; nothing for a script that only writes the Dockerfile shown above."""
    if found := docker.split(item.argv):
        variables = [f"{name}={shlex.quote(value)}" for name, value in item.env.items() if name != "DOCKER_CONFIG"]
        return _prompted(_wrapped([*variables, docker.client(item.argv), *map(shlex.quote, found[1])]))
    if item.argv[:2] == ("sh", "-c") and len(item.argv) == 3:
        dockerfile = f": > ./Dockerfile\nprintf %s {shlex.quote(evidence.run.dockerfile)} >> ./Dockerfile"
        text = item.argv[2].replace(dockerfile, "").removeprefix("set -e\n").strip("\n")
        text = _WRITES.sub(lambda match: f"{match['print']} > {match['to']}", text)
    else:
        text = " ".join([*(f"{name}={shlex.quote(value)}" for name, value in item.env.items()), shlex.join(item.argv)])
    return _prompted(_short(printable.lines(text).split("\n"))) if text else []


def _wrapped(words: Sequence[str]) -> list[str]:
    """A Docker command in full; where it is long, each option with its value may begin a new line."""
    pieces: list[str] = []
    for word in words:
        if not pieces or word.startswith("-") or (pieces[-1].startswith("-") and " " in pieces[-1]):
            pieces.append(word)
        else:
            pieces[-1] += f" {word}"
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + len(piece) < WIDTH:
            lines[-1] += f" {piece}"
        else:
            lines[-1] += " \\"
            lines.append(f"    {piece}")
    return printable.lines("\n".join(lines)).split("\n")


def _short(lines: list[str]) -> list[str]:
    """A script's beginning, with counts of what is cut; Docker's own commands are never cut."""
    if len(lines) > MAX_LINES:
        lines = [*lines[:12], f"[{len(lines) - 12} of {counted(len(lines), 'line')} cut]"]
    return [line if len(line) <= 300 else f"{line[:200]} ({len(line) - 200} characters cut)" for line in lines]


def _prompted(lines: Sequence[str]) -> list[str]:
    return [f"{'>' if number else '$'} {line}" for number, line in enumerate(lines)]


def _output(item: Exchange) -> list[str]:
    output = item.stdout + item.stderr
    if docker.builds(item.argv):
        found = excerpt.build(item.stderr + item.stdout)
    elif docker.verb(item.argv) == "push" or docker.prunes(item.argv):
        found = excerpt.last_line(output) if item.exit == 0 else excerpt.ends(output)
    else:
        found = excerpt.ends(output)
    status = [f"[exit status {item.exit}]"] if item.exit else []
    return [*([found.text] if found.lines else []), *status]
