"""The recorded commands of one side of a trial, in the order in which its steps made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.model import Exchange
from lab.report import docker
from lab.report.script import shell

_ARCHIVE = 6  # words before the client's where a build reads an archive: sh -c TEXT sh FOLDER OWNER
_SILENT = ("", "version", "info", "debug info", "inspect")  # commands that belong to no step


@dataclass(frozen=True)
class ClientCommand:
    """A command of a client: the words after its name, and the folder and owner of the archive that it reads."""

    exchange: Exchange
    client: str
    verb: str
    words: tuple[str, ...]
    archive: tuple[str, str] | None = None

    @property
    def builds(self) -> bool:
        """True if it builds an image."""
        named = any(word in ("--tag", "--output", "-t") for word in self.words)
        return named and self.verb in ("build", "buildx build", "buildx b", "builder build", "image build")

    @property
    def is_classic(self) -> bool:
        """True if it builds with the builder before BuildKit."""
        return self.exchange.env.get("DOCKER_BUILDKIT") == "0"


def client_command(exchange: Exchange) -> ClientCommand | None:
    """The client's command that was recorded; None for a command of another program."""
    argv, archive = exchange.argv, None
    if argv[:2] == ("sh", "-c") and '| "$@"' in "".join(argv[2:3]) and docker.client(argv[_ARCHIVE:]):
        archive, argv = (argv[4], argv[5]), argv[_ARCHIVE:]
    found = docker.split(argv)
    if not found:
        return None
    return ClientCommand(exchange, docker.client(argv), docker.verb(argv), found[1], archive)


def folder_of(exchanges: Sequence[Exchange]) -> str | None:
    """The folder of the context: that of the last build."""
    found = [item for item in exchanges if (command := client_command(item)) and command.builds]
    return found[-1].cwd if found else None


def written(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """The commands that made and changed a context: those that ran in its folder before the last build."""
    folder = folder_of(exchanges)
    if folder is None:
        return []
    building = max(number for number, item in enumerate(exchanges) if _builds(item))
    return [item for item in exchanges[:building] if _writes(item, folder)]


def as_typed(exchange: Exchange) -> str:
    """One recorded command of another program than a client."""
    env = (f"{name}={shell.word(value)}" for name, value in exchange.env.items())
    return " ".join([*env, *map(shell.word, exchange.argv)])


class Queue:
    """What one side did, to be taken from the front: the commands of its clients, and those that changed its context.

    The prune with which each side of a run begins is no step, and is left out. It runs while files are written.
    """

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.folder = folder_of(exchanges)
        self._left = [found for item in exchanges if (found := self._item(item)) is not None]
        begins = next((item for item in self._left if isinstance(item, ClientCommand)), None)
        if begins and begins.verb.endswith("prune"):
            self._left.remove(begins)

    @property
    def side(self) -> str | None:
        """The folder of the box that holds the context, its settings, and the files beside it."""
        return str(PurePosixPath(self.folder).parent) if self.folder else None

    @property
    def folders_of_run(self) -> str | None:
        """The folder of the box above those of all sides, with `caches` for caches of the kind `local`."""
        return str(PurePosixPath(self.folder).parents[2]) if self.folder else None

    def writes(self) -> list[str]:
        """Take the commands that change the context before the next command of a client."""
        found = []
        while self._left and isinstance(self._left[0], Exchange):
            found.append(as_typed(self._left.pop(0)))  # type: ignore[arg-type]
        return found

    def take(self, matches: Callable[[ClientCommand], bool]) -> ClientCommand | None:
        """Take the next command of a client if it is one of these; commands that change the context must be taken."""
        first = self._left[0] if self._left else None
        if not isinstance(first, ClientCommand) or not matches(first):
            return None
        self._left.pop(0)
        return first

    def builds(self) -> int:
        """The number of builds that are left."""
        return sum(isinstance(item, ClientCommand) and item.builds for item in self._left)

    def _item(self, exchange: Exchange) -> ClientCommand | Exchange | None:
        if command := client_command(exchange):
            return None if command.verb in _SILENT else command
        return exchange if self.folder and _writes(exchange, self.folder) else None


def _builds(exchange: Exchange) -> bool:
    found = client_command(exchange)
    return bool(found and found.builds)


def _writes(exchange: Exchange, folder: str) -> bool:
    return exchange.cwd == folder and exchange.exit == 0 and client_command(exchange) is None
