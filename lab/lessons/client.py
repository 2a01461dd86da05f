"""Calls of an engine's client with the lesson's settings, and with the login for the registry of a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lab import files
from lab.boxes.base import Result
from lab.lessons.engines import LessonEngine

if TYPE_CHECKING:
    from lab.registry.server import Registry

SECONDS, SILENCE = 3600, 300.0  # of one command of the client, and without output of it


@dataclass
class Logins:
    """The settings of each engine's client in one check; `scratch` is a folder of this machine."""

    scratch: Path
    registry: Registry | None
    _made: dict[str, PurePosixPath] = field(default_factory=dict)

    def of(self, engine: LessonEngine) -> PurePosixPath:
        """The folder as the client finds it: the lesson's, or one with the login for the registry of this check."""
        login = self.registry.client_config if self.registry else None
        if login is None:
            return engine.config
        if engine.home not in self._made:
            config = self.scratch / f"config-{engine.home}"
            files.private_folder(config)
            files.write(config / "config.json", login, mode=0o600)
            if engine.engine.plugins:
                (config / "cli-plugins").symlink_to(engine.engine.plugins)
            self._made[engine.home] = engine.place(config)
        return self._made[engine.home]


def run_client(
    engine: LessonEngine, words: Sequence[str], *, buildkit: bool = True, config: PurePosixPath | None = None
) -> Result:
    """Call the engine's client with the lesson's settings, or with those in the folder `config`."""
    env = {
        "DOCKER_CONFIG": str(config or engine.config),
        "DOCKER_BUILDKIT": "1" if buildkit else "0",
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        "BUILDX_GIT_INFO": "false",
    }
    client = engine.engine
    if buildkit and words[0] == "build" and client.plugins and client.address:
        env["DOCKER_HOST"] = client.address
        return engine.box.run(client.call_plugin(words, env), env=env, timeout=SECONDS, silence=SILENCE)
    return engine.box.run(client.call(words, env), env=env, timeout=SECONDS, silence=SILENCE)
