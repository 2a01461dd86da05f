"""The login of a run's registry for a client on a box: a file of the client's settings, sent as a command's input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from lab.boxes.base import Box, Command, failure
from lab.registry.server import Registry

SECONDS = 60
RUNS = "lab-runs"  # the folder below the home folder of a box that holds the files of all runs
# For sh: the folder of all runs, which only its user may enter, and the folders of one context.
FOLDERS = '{ chmod 700 "$1" 2>/dev/null || mkdir -p -m 700 "$1"; } && mkdir -p "$2" "$3" || exit\n'
FED = 'umask 077 && cat > "$2/config.json"'
# The login stays on the box: its bytes are in no command and no output.
COPIED = 'test ! -f "$HOME/.docker/config.json" || { umask 077 && cp "$HOME/.docker/config.json" "$2/"; }'
ALONE = 'umask 077 && folder=$(mktemp -d) && cat > "$folder/config.json" && echo "$folder"'


def make_folders(box: Box, registry: Registry, config: PurePosixPath, context: PurePosixPath) -> None:
    """Make the folders of a context and of the client's settings, with the login for the registry in the latter.

    That of lab's own registry is sent; for an external one it is the one that the box has. CommandError if that fails.
    """
    runs = next((folder for folder in config.parents if folder.name == RUNS), config.parent)
    words = ("sh", str(runs), str(config), str(context))
    login = registry.client_config
    if login is not None:
        feed(box, Command(("sh", "-c", FOLDERS + FED, *words), timeout=SECONDS), login, "make the context's folder")
    elif registry.program == "external":
        box.check(["sh", "-c", FOLDERS + COPIED, *words], doing="take over the box's registry login")
    else:
        box.check(["mkdir", "-p", str(config), str(context)], doing="make the context's folder")


@contextmanager
def logged_in(box: Box, registry: Registry) -> Iterator[dict[str, str]]:
    """The variables with which any client on the box can use lab's own registry, for the time of the context.

    There are none for another registry, for which the client has its own login.
    """
    login = registry.client_config
    if login is None:
        yield {}
        return
    command = Command(("sh", "-c", ALONE), timeout=SECONDS)
    folder = feed(box, command, login, "make a folder for the registry's login")
    try:
        yield {"DOCKER_CONFIG": folder}
    finally:
        box.run(["rm", "-rf", folder], timeout=SECONDS)


def feed(box: Box, command: Command, content: bytes, doing: str) -> str:
    """Send bytes to a command on the box, and return what it printed; CommandError if it fails."""
    result = box.feed(command, [content])
    if not result.ok:
        raise failure(box.name, doing, result)
    return result.text


def adding_settings(settings: dict[str, object]) -> tuple[str, ...]:
    """The command that adds settings to a client's `../config/config.json`, which keeps the login that it has."""
    return ("sh", "-c", ADD, "sh", json.dumps(settings)[:-1])


# The settings come first, without their closing brace; the login that is there follows them.
ADD = """\
file=../config/config.json
rest=$(cat "$file" 2>/dev/null)
case $(printf %s "$rest" | tr -d '[:space:]') in "" | "{}") rest="}" ;; *) rest=", ${rest#?}" ;; esac
printf '%s%s' "$1" "$rest" > "$file"
"""
