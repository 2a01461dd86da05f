"""The Docker that a box has without lab: its package, its service, its programs."""

from __future__ import annotations

from dataclasses import replace

from lab.boxes.base import Box
from lab.engines.client import START_SECONDS, journal_of, reach, wait_until_reached
from lab.engines.daemon import KEEP_SUMS, SINCE, read_since, read_sums
from lab.engines.engine import Answer, Docker, Engine, engine_of
from lab.engines.spec import EngineSpec, plain
from lab.errors import EngineError

CLIENTS: tuple[Docker, ...] = (("docker",), ("sudo", "-n", "docker"))  # as the user, else as root
SUMS = f"""\
PATH=$PATH:/usr/sbin:/sbin
dockerd=$(command -v dockerd) || exit 0
kept=$HOME/.lab-sums
set -- "$dockerd" "$(command -v docker)"
{KEEP_SUMS}
cat "$kept"
# with one of these the client may reach another daemon than the one of the file
test -z "$DOCKER_HOST$DOCKER_CONTEXT" || exit 0
grep -qs currentContext "${{DOCKER_CONFIG:-$HOME/.docker}}/config.json" && exit 0
pid=/run/docker.pid
{SINCE}"""


def has_package(box: Box, spec: EngineSpec) -> bool:
    """True if the box's own Docker is Debian's package of exactly that version, running or not.

    False for an engine with another image store: lab changes no settings of the box's own Docker.
    """
    if spec.store:
        return False
    words = ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", "docker.io"]
    status, _, version = box.run(words, timeout=60).text.partition(" ")
    return status == "installed" and plain(version) == spec.version


def start_package(box: Box, spec: EngineSpec) -> Engine:
    """Start the service of the box's own Docker unless it answers already."""
    answer = reach(box, CLIENTS)
    if answer is None:
        box.run(["sudo", "-n", "systemctl", "start", "docker"], timeout=START_SECONDS)
        answer = wait_until_reached(box, "docker", CLIENTS)
    return replace(_with_programs(box, spec, answer), log=journal_of("docker"))


def find_running(box: Box, spec: EngineSpec) -> Engine:
    """The Docker that answers on the box; it is neither started nor changed. EngineError if none answers."""
    answer = reach(box, CLIENTS)
    if answer is None:
        asked = box.run(["docker", "version"], timeout=60)
        raise EngineError(
            f"cannot use the Docker of {box.name}: it does not answer",
            hint="start it, or leave this box out",
            output=asked.output,
        )
    return _with_programs(box, spec, answer)


def _with_programs(box: Box, spec: EngineSpec, answer: Answer) -> Engine:
    """The engine that gave this answer, with the sums of its programs and what tells its next start from this one.

    The script looks at the settings of the user's client alone, so that nothing is known of one that runs as root.
    """
    said = box.run(["sh", "-c", SUMS], timeout=60).text
    since = read_since(said) if answer[0] == CLIENTS[0] else ""
    return replace(engine_of(spec, answer, read_sums(said)), since=since)
