"""Steps to reproduce, a section a host: versions, settings, the commands and their output as they were seen."""

from __future__ import annotations

import shlex

from lab.model import Exchange
from lab.report import excerpt, markup, printable
from lab.report.evidence import Evidence, producer_engine
from lab.results.run import BoxFacts, Trial

Host = tuple[str, str]  # a box and an engine


def steps_to_reproduce(evidence: Evidence, shown: list[Trial]) -> str:
    """The Dockerfile, then for each host of these trials what it did, in the order of the story."""
    run = evidence.run
    base = f"The base image is {markup.code(run.base.reference)}" if run.base else "The base image is not known"
    parts = [
        markup.fence(run.dockerfile, "dockerfile"),
        f"{base}; images go through the registry {markup.code(run.registry)}. Each build starts from a pruned Docker "
        "and a new folder with the same files.",
    ]
    if not evidence.exchanges:
        parts.append(_in_general())
    hosts: list[Host] = []
    for trial in shown:
        hosts += [(trial.producer, producer_engine(trial)), (trial.consumer, trial.engine)]
    said: dict[str, str] = {}
    for host in dict.fromkeys(hosts):
        parts.append(_section(evidence, host, shown, said))
    return "\n\n".join(parts)


def _in_general() -> str:
    commands = [
        "docker build --build-arg BUILDKIT_INLINE_CACHE=1 --tag REF .     # on the producer",
        "docker push REF",
        "docker system prune -a -f",
        "docker build --build-arg BUILDKIT_INLINE_CACHE=1 --cache-from REF --tag REF .     # on the consumer",
    ]
    return "This run has no transcript; these are the commands without what came back:\n\n" + markup.fence(
        "\n".join(commands), "console"
    )


def _section(evidence: Evidence, host: Host, shown: list[Trial], said: dict[str, str]) -> str:
    """One host; `said` remembers what was printed already, so that equal versions are printed once."""
    name, engine = host
    facts = evidence.facts(name, engine)
    made = [trial for trial in shown if (trial.producer, producer_engine(trial)) == host]
    rebuilt = [trial for trial in shown if (trial.consumer, trial.engine) == host]
    roles = [*(["builds, pushes, prunes"] if made else []), *(["rebuilds from the pushed cache"] if rebuilt else [])]
    heading = (
        f"### {markup.prose(name)} with Docker {markup.prose(facts.server if facts else engine)}: {' and '.join(roles)}"
    )
    lines = []
    if facts:
        lines += _versions(facts, said)
    for production in evidence.run.productions:
        if made and (production.producer, production.engine) == host:
            lines += ["", *_commands(evidence, evidence.during(evidence.phase(production)))]
    for trial in rebuilt:
        typed = _commands(evidence, [item for item in evidence.during(trial.name) if not _prunes(item)])
        lines += ["", f"# {printable.line(trial.name)}", *typed] if typed else []
    return f"{heading}\n\n{_what_it_is(facts)}{markup.fence(chr(10).join(lines), 'console')}"


def _what_it_is(facts: BoxFacts | None) -> str:
    if facts is None:
        return ""
    security = ", ".join(facts.security) or "none"
    text = f"{facts.summary}. {facts.os}, kernel {facts.kernel}, {facts.storage}, security options: {security}"
    return f"{markup.prose(text)}; SELinux {markup.prose(facts.selinux)}.\n\n"


def _versions(facts: BoxFacts, said: dict[str, str]) -> list[str]:
    lines = []
    for command, found in (
        ("docker version", excerpt.version(facts.version)),
        ("docker info", excerpt.info(facts.info)),
    ):
        text = "\n".join(found.lines)
        before = said.setdefault(text, facts.name)
        lines += [f"$ {command}", f"[as on {before}]" if before != facts.name else found.text]
    return lines


def _commands(evidence: Evidence, exchanges: list[Exchange]) -> list[str]:
    lines: list[str] = []
    begun = False
    for item in exchanges:
        # what ran outside the context's folder prepared it or looked at it
        if (item.cwd is None and not _prunes(item)) or (_prunes(item) and not begun):
            continue
        begun = True
        if typed := _typed(evidence, item):
            lines += [*typed, *_came_back(item)]
    return lines


def _typed(evidence: Evidence, item: Exchange) -> list[str]:
    """The command as a person would type it; a script that only writes the Dockerfile shown above is nothing."""
    if item.argv[:2] == ("sh", "-c") and len(item.argv) == 3:
        wrote = f": > ./Dockerfile\nprintf %s {shlex.quote(evidence.run.dockerfile)} >> ./Dockerfile"
        script = item.argv[2].replace(wrote, "").removeprefix("set -e\n").strip("\n")
        lines = printable.lines(script).split("\n") if script else []
    else:
        variables = [f"{name}={shlex.quote(value)}" for name, value in item.env.items() if name != "DOCKER_CONFIG"]
        lines = printable.lines(" ".join([*variables, shlex.join(item.argv)])).split("\n")
    if len(lines) > 20:
        lines = [*lines[:12], f"[{len(lines) - 12} of {len(lines)} lines cut]"]
    lines = [line if len(line) <= 300 else f"{line[:200]} ({len(line) - 200} characters cut)" for line in lines]
    return [f"{'>' if number else '$'} {line}" for number, line in enumerate(lines)]


def _came_back(item: Exchange) -> list[str]:
    output = item.stdout + item.stderr
    if "build" in item.argv:
        found = excerpt.build(item.stderr + item.stdout)
    elif "push" in item.argv or _prunes(item):
        found = excerpt.last_line(output) if item.exit == 0 else excerpt.ends(output)
    else:
        found = excerpt.ends(output)
    status = [f"[exit status {item.exit}]"] if item.exit else []
    return [*([found.text] if found.lines else []), *status]


def _prunes(item: Exchange) -> bool:
    return "prune" in item.argv
