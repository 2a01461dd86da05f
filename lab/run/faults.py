"""Whose fault a failed command of a run is: the box's, the engine's, the registry's, or the command's own."""

from __future__ import annotations

import re
from contextlib import suppress

from lab.boxes.base import Box
from lab.engines.engine import Engine
from lab.errors import BY_FAULT, TAIL_LINES, BoxError, CommandError, Fault, LabError
from lab.registry.server import Registry
from lab.results.facts import BuildResult

REFUSED = "connection refused"
HELPER = "docker/dockerfile-copy"  # BuildKit before 0.4, as in Docker 18.09, makes COPY and ADD with this image
# BuildKit's summary of the step that failed, and the classic builder's last lines.
UNPULLED = re.compile(
    r"(?m)^ > resolve image config for (?:docker-image://)?(?:docker\.io/(?:library/)?)?(\S+?):?$"
    r"|^ > \[(?:[^\]]* )?internal\] load metadata for (?:docker-image://)?(?:docker\.io/(?:library/)?)?(\S+?):?$"
    r"|^(?:pull access denied for|manifest for) ([^\s,]+?)(?:,| not found)"
)
STEP = re.compile(r"(?ms)^------\n( > .*?)^------$")  # BuildKit's summary of a failed step
# What Docker and BuildKit print of a registry that answers with an error of its own, or ends an answer too early.
ERROR_OF_REGISTRY = re.compile(
    r"\b(?:5\d\d|429) (?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Timeout|Too Many Requests)"
    r"|\bunexpected (?:HTTP )?status\b.*\b(?:5\d\d|429)\b|\btoomanyrequests\b|\b(?:unexpected )?EOF\b"
)
# What Docker prints if lab's own registry answered the first request with an error instead of asking for a password.
UNASKED = "unauthorized: authentication required"
UNWRITTEN = re.compile(r"I/O error|write error|[Nn]o space left on device")
OF_RUN = re.compile(r"#\d+ \d+\.\d+ ")  # what the command of a RUN printed
TRANSFER = re.compile(r"cannot (?:push|pull) ")  # all that such a command prints is about a registry
FAILURE = re.compile(r"error|fail|dial|lookup|denied|not found|timeout", re.IGNORECASE)


def explain_failure(box: Box, engine: Engine, registry: Registry, error: CommandError | BoxError) -> tuple[Fault, str]:
    """Whose fault the error is, and the text that describes it.

    After a failed command the engine is asked for its version. If it does not answer, the fault is the engine's and the
    text ends with its log. If the lab's registry does not answer, or the command could not connect to it, the fault is
    the registry's.
    """
    fault, news = _look(box, engine, registry, error)
    hint = [f"hint: {error.hint}"] if error.hint else []
    tail = error.tail()
    own = [line for line in _failed_step(error.output) if line not in tail]
    return fault, "\n".join([error.message, *own, *tail, *news, *hint])


def _failed_step(output: str) -> list[str]:
    """What the command of a failed RUN printed, at most its last lines; BuildKit may print more after it."""
    found = STEP.findall(output)
    return [line.rstrip() for line in found[-1].splitlines() if line.strip()][-TAIL_LINES:] if found else []


def translate(box: Box, engine: Engine, registry: Registry, error: CommandError) -> LabError:
    """The same failure as an error of the kind of whose fault it is, with that kind's exit code."""
    fault, news = _look(box, engine, registry, error)
    return BY_FAULT[fault](error.message, hint=error.hint, output="\n".join([error.output, *news]))


def _look(box: Box, engine: Engine, registry: Registry, error: LabError) -> tuple[Fault, list[str]]:
    if isinstance(error, BoxError):
        return Fault.BOX, []
    try:
        if not box.run(engine.ping, timeout=60).ok:
            return Fault.ENGINE, ["the engine does not answer any more", *_log(box, engine)]
    except BoxError as lost:
        return Fault.BOX, [lost.message]
    if problem := registry.problem():
        return Fault.REGISTRY, [f"the registry {registry.prefix} {problem}", *_log_of(registry)]
    if _refused(registry, error.output):
        return Fault.REGISTRY, [f"the registry {registry.prefix} does not answer"]
    if bad := _error_of(registry, error):
        return Fault.REGISTRY, [f"the registry {registry.prefix} answers with an error: {bad}", *_log_of(registry)]
    return Fault.COMMAND, [*_helper(engine, error.output), *_unpulled(error.output), *_full(box, error.output)]


def _error_of(registry: Registry, error: LabError) -> str | None:
    """The line in which Docker reports that this registry answered with an error of its own; None without one."""
    host, transfer = registry.prefix.partition("/")[0], TRANSFER.match(error.message)
    lines = [line.strip() for line in error.output.splitlines() if not OF_RUN.match(line)]
    if transfer and registry.credentials and UNASKED in lines:
        return UNASKED
    return next((line for line in lines if ERROR_OF_REGISTRY.search(line) and (transfer or host in line)), None)


def unread_because(registry: Registry, build: BuildResult) -> str | None:
    """Why a cache could not be read, if that is the registry's fault; None if it is not known to be."""
    if problem := registry.problem():
        return f"the registry {registry.prefix} {problem}"
    errors = [item.error for item in build.imports if item.lost and item.error]
    bad = any(map(ERROR_OF_REGISTRY.search, errors))
    return f"the registry {registry.prefix} answers with an error" if bad else None


def _helper(engine: Engine, output: str) -> list[str]:
    """Why a COPY of Docker 18.09 failed, if it could not get the image in which it copies."""
    if not any(HELPER in line and FAILURE.search(line) for line in output.splitlines()):
        return []
    return [
        f"Docker {engine.server} makes COPY and ADD in a container of the image docker.io/{HELPER}, and could not pull "
        "that image; Docker 19.03 and newer need no such image"
    ]


def _full(box: Box, output: str) -> list[str]:
    """That the disk is full, where a command could not write: some shells only print that there was an I/O error."""
    if not UNWRITTEN.search(output):
        return []
    asked = box.run(["sh", "-c", 'df -P "$HOME"'], timeout=60)
    return [f"the disk of the home folder of {box.name} is full"] if " 100% " in asked.text else []


def _unpulled(output: str) -> list[str]:
    """What to do where a build could not pull an image: the base of a stage, or the frontend."""
    found = []
    for frontend, *images in UNPULLED.findall(output):
        if frontend:
            found.append(f"the frontend {frontend} could not be pulled: --base {frontend}=builtin takes the engine's")
        for name in filter(None, images):
            found.append(f"the image {name} could not be pulled: --base {name}=IMAGE builds with another")
    return list(dict.fromkeys(found))


def _log(box: Box, engine: Engine) -> list[str]:
    """The end of the engine's log, for an engine that has one."""
    return ["the end of its log:", box.run(engine.log, timeout=60).text] if engine.log else []


def _log_of(registry: Registry) -> list[str]:
    """The end of the log of lab's own registry, if its program printed anything."""
    lines: list[str] = []
    with suppress(OSError):
        lines = registry.log.read_text(encoding="utf-8", errors="replace").splitlines() if registry.log else []
    return ["the end of its log:", *lines[-TAIL_LINES:]] if lines else []


def _refused(registry: Registry, output: str) -> bool:
    """True if Docker printed that nothing listens at the registry's address."""
    host = registry.prefix.partition("/")[0]
    return any(host in line and REFUSED in line for line in output.splitlines())
