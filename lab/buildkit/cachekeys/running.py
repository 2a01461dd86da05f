"""Turns a RUN into its operation: the command, its mounts and all that surrounds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.definition import Definition, Surroundings, run_definition, selector
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.fileops import cache_folder_operation, document_operation
from lab.buildkit.cachekeys.frontend import MIDDLE, NEW, OLD
from lab.buildkit.cachekeys.graph import Input
from lab.buildkit.cachekeys.instruction import Instruction, heredoc, json_words
from lab.buildkit.cachekeys.mounting import (
    Mount,
    check_mounts,
    mount_json,
    read_mount,
    secret_json,
    ssh_json,
    target_of,
)
from lab.buildkit.cachekeys.stage_steps import StageSteps
from lab.buildkit.cachekeys.state import arguments
from lab.buildkit.cachekeys.words import Failing, WordError
from lab.buildkit.contenthash import gopath

NETWORKS = {"default": 0, "bridge": 0, "": 0, "host": 1, "none": 2}
SECURITY = {"sandbox": 0, "insecure": 1}
PIPES = "/dev/pipes/"


@dataclass(slots=True)
class _Mounted:
    """A mount with its absolute target, the vertex that it shows, and the path in it ("" for the whole)."""

    target: str
    vertex: int | None
    path: str
    mount: Mount
    request: Copy


@dataclass
class RunBuilder:
    """Builds one RUN of a stage."""

    stage: StageSteps
    item: Instruction
    why: str | None = None
    mounts: list[_Mounted] = field(default_factory=list)
    special: list[Mount] = field(default_factory=list)

    def build(self) -> None:
        """Add the operation and the step."""
        shop, state = self.stage.shop, self.stage.state
        self.why = (
            self.stage.why_unclear(self.item)
            or state.env.unclear
            or state.folder_unclear
            or state.user_unclear
            or (state.shell_unclear if json_words(self.item.rest) is None else None)
        )
        around = self._surroundings()
        args = self._arguments()
        self._read_mounts()
        self.mounts.sort(key=lambda mounted: mounted.target)
        if len({mounted.target for mounted in self.mounts}) < len(self.mounts):
            self._doubt("two mounts have the same target")
        inputs = self._inputs(shop.dialect)
        no_content = None
        for number, item in enumerate(inputs):
            content, problem = self.stage.content_of(item)
            no_content = no_content or problem
            inputs[number] = replace(item, content=content)
        definition: Definition | str = self.why or ""
        if not self.why and shop.dialect:
            definition = self._definition(args, around, shop.dialect)
        else:  # the selectors are then not known either
            inputs = [replace(item, selector="?") for item in inputs]
        identity = ["run", args, str(around), [str(item) for item in self.mounts], [str(item) for item in self.special]]
        vertex = shop.graph.operation(definition, inputs, identity, ignored=self.stage.ignored)
        self.stage.step(self.item, (vertex,), no_content=no_content)

    def _definition(self, args: Sequence[str], around: Surroundings, dialect: Dialect) -> Definition:
        sockets = [mount for mount in self.special if mount.kind == "ssh"]
        targets = [mount.target or f"/run/buildkit/ssh_agent.{number}" for number, mount in enumerate(sockets)]
        if targets and not any(item.startswith("SSH_AUTH_SOCK=") for item in around.env):
            around = replace(around, env=(*around.env, f"SSH_AUTH_SOCK={targets[0]}"))
        numbers = self._numbers()
        written: list[dict[str, object]] = [self._root(dialect)]
        for item in self.mounts:
            number = -1 if item.vertex is None else numbers[item.vertex]
            written.append(mount_json(item.mount, item.target, number, dialect))
        secrets = [mount for mount in self.special if mount.kind == "secret"]
        variables = [_variable(mount) for mount in secrets if mount.env is not None]
        written += [secret_json(mount, dialect) for mount in secrets if mount.env is None or mount.target]
        written += [ssh_json(mount, target, dialect) for mount, target in zip(sockets, targets, strict=True)]
        return run_definition(args, around, dialect, mounts=written if len(written) > 1 else (), secrets=variables)

    def _root(self, dialect: Dialect) -> dict[str, object]:
        number = -1 if self.stage.state.vertex is None else 0
        shown = {"input": number} if number or dialect.zeros else {}
        return {**shown, "dest": "/", **({"output": 0} if dialect.zeros else {})}

    def _numbers(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for vertex in (self.stage.state.vertex, *(item.vertex for item in self.mounts)):
            if vertex is not None:
                found.setdefault(vertex, len(found))
        return found

    def _inputs(self, dialect: Dialect | None) -> list[Input]:
        """Return the inputs with their selectors, and whether they are also found by the digest of their files."""
        base, found = self.stage.state.vertex, []
        for vertex in self._numbers():
            mine = [item for item in self.mounts if item.vertex == vertex]
            paths = [item.path for item in mine]
            request = mine[0].request if mine else Copy((), "", origin="?")
            if dialect is None or not dialect.selector:
                hashed, paths = vertex != base, [path for path in paths if path]
            else:
                paths = [path or "/" for path in paths]
                paths = ["/", *paths] if vertex == base else paths
                hashed = bool(mine)
                if vertex == base and self._secret_mounts and dialect.frontend < NEW:
                    # a secret's mount names input 0 without meaning it
                    hashed, paths = True, [*paths, *("/" for _ in range(self._secret_mounts))]
            sources = _without_inner(paths, dialect)
            request = replace(request, sources=tuple(sources) or ("/",), plain=True)
            link = selector(paths) if paths else ""
            found.append(Input(vertex, link, hashed=hashed, request=request if hashed else None))
        return found

    @property
    def _secret_mounts(self) -> int:
        return sum(mount.kind == "ssh" or mount.env is None or bool(mount.target) for mount in self.special)

    def _read_mounts(self) -> None:
        stages, state = self.stage.shop.stages, self.stage.state
        expand = self.stage.expand if stages.frontend.number > OLD else str
        try:
            found = [read_mount(value, expand) for name, value in self.item.flags if name == "mount"]
        except WordError as error:
            self._doubt(error.why)
            return
        if self.stage.shop.dialect:
            self._doubt(check_mounts(found, self.stage.shop.dialect, stages.frontend))
        if state.vertex is None and any(mount.kind in ("secret", "ssh") for mount in found):
            self._doubt("a secret in an empty stage is an error")
        for mount in found:
            if mount.kind in ("secret", "ssh"):
                self.special.append(mount)
            else:
                self._add(mount)
        if stages.options.shm_size and self._knows_options():
            memory = Mount("tmpfs", readonly=False, size=stages.options.shm_size)
            self.mounts.append(_Mounted("/dev/shm", None, "", memory, Copy((), "")))

    def _doubt(self, why: str | None) -> None:
        """Note why the step is not known: the first reason, but one for which the build fails counts more."""
        if why and (not self.why or (isinstance(why, Failing) and not isinstance(self.why, Failing))):
            self.why = why

    def _add(self, mount: Mount) -> None:
        shop = self.stage.shop
        source = gopath.join("/", mount.source)
        path = "" if source == "/" else source
        request = Copy((), "", origin=mount.origin or ("" if mount.kind == "bind" else "?"))
        vertex: int | None = None
        if mount.origin and mount.kind != "tmpfs":
            origin = shop.stages.source(mount.origin, numbers=False)
            later = self.stage.later(mount.origin, origin)
            if isinstance(origin, str) or later:
                self._doubt(later or str(origin))
                return
            vertex = shop.origin_vertex(origin, [mount.source])
            request = replace(request, origin=origin.context or "?")
        elif mount.kind == "bind":
            vertex = shop.context_vertex()
            request = replace(request, asked=shop.asked)
        if mount.kind == "cache" and mount.has_owner and not path and shop.dialect:
            made = cache_folder_operation(mount.mode, mount.uid or 0, mount.gid or 0, vertex, shop.dialect)
            vertex, path = shop.graph.operation(made.definition, made.inputs, made.identity), "/cache"
        if mount.kind == "cache" and (namespace := shop.stages.options.build_args.get("BUILDKIT_CACHE_MOUNT_NS")):
            mount = replace(mount, namespace=namespace)
        self.mounts.append(_Mounted(target_of(mount, self.stage.state.folder), vertex, path, mount, request))

    def _arguments(self) -> list[str]:
        """Return the arguments of the command, which a here-document may hold."""
        rest, state = self.item.rest, self.stage.state
        if not self.item.heredocs or json_words(rest) is not None:
            return arguments(rest, state.shell)
        first = self.item.heredocs[0]
        if heredoc(rest, self.stage.shop.stages.frontend) is None:
            text = rest + "".join(f"\n{doc.content}{doc.name}" for doc in self.item.heredocs)
        elif first.content.startswith("#!") and self.stage.shop.dialect:
            made = document_operation(first.name, first.chomped, 0o755, self.stage.shop.dialect)
            vertex = self.stage.shop.graph.operation(made.definition, made.inputs, made.identity)
            self.mounts.append(_Mounted(PIPES, vertex, "", Mount("bind"), Copy((), "", origin="?")))
            text = PIPES + first.name
        else:
            text = first.chomped
        return [*arguments(text, state.shell)[:-1], text]

    def _surroundings(self) -> Surroundings:
        state, options = self.stage.state, self.stage.shop.stages.options
        network = self._flag("network", NETWORKS, NETWORKS.get(options.network))
        if options.network not in NETWORKS:
            self._doubt(f"the key of --network={options.network} is not known")
        system, processor, variant = state.platform
        extended = self._knows_options()
        if options.ulimits and len(options.ulimits) > 1 and extended:
            self._doubt("the order of several --ulimit is not known")
        return Surroundings(
            tuple(f"{name}={value}" for name, value in dict(state.env).items()),
            state.folder or "/",
            state.user,
            system,
            processor,
            # "default" does not reset the network: the build's own --network still applies
            network or NETWORKS.get(options.network, 0),
            variant,
            hosts=options.hosts,
            hostname=options.build_args.get("BUILDKIT_SANDBOX_HOSTNAME", "") if extended else "",
            ulimits=tuple(_ulimit(text) for text in options.ulimits) if extended else (),
            cgroup=options.cgroup if extended else "",
            security=self._flag("security", SECURITY, 0),
        )

    def _flag(self, name: str, values: dict[str, int], usual: int | None) -> int:
        for given, value in self.item.flags:
            if given not in ("mount", "network", "security"):
                self._doubt(f"lab does not support the flag --{given}")
            if given != name:
                continue
            if value not in values:
                self._doubt(Failing(f'invalid {name} mode "{value}"'))
            return values.get(value, 0)
        return usual or 0

    def _knows_options(self) -> bool:
        """True if --ulimit, --shm-size and the like enter the key, which they do from 26 on and do not up to 20.10."""
        frontend, options = self.stage.shop.stages.frontend, self.stage.shop.stages.options
        hostname = "BUILDKIT_SANDBOX_HOSTNAME" in options.build_args
        used = options.ulimits or options.shm_size or options.cgroup or hostname
        if used and OLD in frontend.generations and MIDDLE in frontend.generations:
            self._doubt("it is not known whether --ulimit and --shm-size enter this engine's keys")
        return OLD not in frontend.generations


def _without_inner(paths: Sequence[str], dialect: Dialect | None) -> list[str]:
    """Return the paths that are hashed: each once, and none that is below another one; nothing for the whole root."""
    found = set(paths)
    kept = sorted(
        path for path in found if not any(path != other and path.startswith(other.rstrip("/") + "/") for other in found)
    )
    newer = dialect is not None and dialect.selector
    return [] if newer and any(path in ("", "/") for path in kept) else kept


def _variable(mount: Mount) -> dict[str, object]:
    identity = mount.source or mount.id or gopath.base(mount.target)
    name = mount.env or gopath.base(identity)
    return {"ID": identity, "name": name, **({} if mount.required else {"optional": True})}


def _ulimit(text: str) -> tuple[str, int, int]:
    name, _, limits = text.partition("=")
    soft, _, hard = limits.partition(":")
    return name, int(soft), int(hard or soft)
