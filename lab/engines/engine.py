"""An engine that answers: how its client is called, which versions it reported, and whether it is the pinned one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from lab.boxes.base import Box
from lab.counting import whole_number
from lab.engines.spec import EngineSpec, plain
from lab.errors import EngineError
from lab.versions import CHANGED, meets

VERSIONS = "{{.Client.Version}} {{.Server.Version}} {{.Server.GitCommit}}"  # for docker version --format
BUILDX_SINCE = 23  # from this major version on, `docker build` calls the buildx plugin
CONTAINERD = "containerd"
INFO_SINCE = "0.11"  # the first buildctl that prints the version of its daemon
PING = ("debug", "info")  # the words of buildctl that ask the daemon for an answer
Docker = tuple[str, ...]  # the words that call the client
Answer = tuple[Docker, str]  # a client that reached a daemon, and the versions that it printed


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers on a box.

    `docker` holds the words that call its client; `client`, `server` and `commit` are what that client reported.
    `plugins` is the folder of the client's own plugins (buildx), if it has one: a DOCKER_CONFIG needs links to them in
    its cli-plugins. `buildx` is the version of that plugin. `sums` holds the sha256 of its programs by name, `rules`
    names what its BuildKit hashes of a file, `log` is the command that prints the end of its daemon's log,
    `restart` the one that ends its daemon and starts it again with the same data, empty for a Docker that lab did
    not start, and `builder` what runs its builds. `program` is the name of its client: docker, or buildctl for a
    BuildKit without Docker. `store` is CONTAINERD for an engine that is known to have its images in containerd's
    store, and `cache` the kind of cache that its builds write. `since` is another text once its daemon has started
    again or its settings have changed; empty where that cannot be told.
    """

    name: str
    docker: Docker
    client: str
    server: str
    commit: str
    plugins: PurePosixPath | None = None
    sums: dict[str, str] = field(default_factory=dict)
    buildx: str = ""
    rules: str | None = None
    log: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    builder: str = "buildkit"
    program: str = "docker"
    store: str = ""
    cache: str = "inline"
    since: str = ""

    @property
    def title(self) -> str:
        """What answers and its version, as in "Docker 20.10.24+dfsg1" or "BuildKit 0.25.2+debian"."""
        return f"{'Docker' if self.program == 'docker' else 'BuildKit'} {self.server}"

    @property
    def ping(self) -> list[str]:
        """The arguments that ask its daemon for an answer."""
        return self.call(("version",) if self.program == "docker" else ping_of(self.server))

    @property
    def has_buildx(self) -> bool:
        """True if it has the buildx plugin: one that its client calls, or one beside buildctl."""
        return bool(self.buildx)

    def call_buildx(self, words: Iterable[str], env: Iterable[str] = ()) -> list[str]:
        """The arguments that run buildx with these words: through Docker's client, else the program itself."""
        if self.program == "docker" or self.plugins is None:
            return self.call(("buildx", *words), env)
        return self.call_plugin(words, env)

    @property
    def address(self) -> str | None:
        """The address of its daemon as its client is told it; None for a client that finds its daemon itself."""
        words = self.docker
        return next((words[place + 1] for place, word in enumerate(words[:-1]) if word in ("-H", "--addr")), None)

    def call_plugin(self, words: Iterable[str], env: Iterable[str] = ()) -> list[str]:
        """The arguments that run the program of its buildx plugin itself, which finds the daemon by DOCKER_HOST.

        Docker's client starts that program twice for each build, once to ask for its name.
        """
        sudo = self.docker[:2] if self.docker[0] == "sudo" else ()
        return replace(self, docker=(*sudo, f"{self.plugins}/docker-buildx")).call(words, env)

    def call(self, words: Iterable[str], env: Iterable[str] = ()) -> list[str]:
        """The arguments that run its client with these words; sudo preserves the variables that `env` names."""
        docker, names = list(self.docker), ",".join(env)
        if docker[0] == "sudo" and names:
            docker[1:1] = [f"--preserve-env={names}"]  # sudo drops every other variable
        return [*docker, *words]


def ping_of(version: str) -> tuple[str, ...]:
    """The words of buildctl that ask a BuildKit of this version for an answer."""
    return ("debug", "workers") if meets(version, f"<{INFO_SINCE}") else PING


def engine_of(spec: EngineSpec, answer: Answer, sums: dict[str, str]) -> Engine:
    """The engine that gave this answer; `sums` holds the sha256 of its programs by name."""
    docker, text = answer
    client, server, commit = (*text.split(), "", "", "")[:3]
    rules = f"{spec.rules}, all attributes" if spec.rules and spec.xattrs == "all" else spec.rules
    return Engine(spec.name, docker, client, server, commit, sums=sums, rules=rules, store=spec.store)


def is_pinned(spec: EngineSpec, server: str) -> bool:
    """True if a server of this version may be the pinned engine.

    A changed engine ends its version with its mark, and no other engine may have such an ending.
    """
    if spec.version and plain(server) != spec.version:
        return False
    return server.endswith(f"-{spec.mark}") if spec.mark else not CHANGED.fullmatch(server)


def prove(box: Box, spec: EngineSpec, engine: Engine) -> Engine:
    """Compare the versions with the pin, and ask for the version of buildx where the engine must have it.

    Raises EngineError if the engine is not the pinned one, or if its client needs buildx and has none.
    """
    if not is_pinned(spec, engine.server):
        raise EngineError(
            f"cannot use {box.name}: its Docker is {engine.server}, the pinned engine is {spec.name}",
            hint=f"correct boxes/{box.name}.yaml or boxes/engines.yaml, whichever is wrong",
        )
    major = whole_number(engine.client.partition(".")[0]) or 0
    needed = major >= BUILDX_SINCE if engine.program == "docker" else engine.plugins
    if not needed:
        return engine
    env = {"DOCKER_CONFIG": str(engine.plugins.parent)} if engine.plugins else {}
    asked = box.run(engine.call_buildx(["version"], env), env=env, timeout=60)
    if not asked.ok:
        docker = engine.program == "docker"
        why = "its client needs the buildx plugin" if docker else "the buildx beside it does not run"
        raise EngineError(
            f"cannot use {engine.title} of {box.name}: {why}",
            hint="install docker-buildx on that box" if docker else "its C library may be too old: buildx needs 2.34",
            output=asked.output,
        )
    return replace(engine, buildx=" ".join(asked.text.split()[1:2]))
