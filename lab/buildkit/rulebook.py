"""The rule set and the definition format of each engine, read from boxes/buildkit/rules.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.contenthash.rules import Links, Rules, Wildcard, Xattrs
from lab.errors import ConfigError, UsageError, did_you_mean
from lab.versions import OTHER_RULES, covers, numbers, titled
from lab.yamlfile import Strict, load

Number = Annotated[str, Field(pattern=r"^\d+(\.\d+){1,2}$")]
BUILDKIT = re.compile(r"(?:buildkit|bk)[ -]?(v?\d.*)")


class _Switches(Strict):
    """The switches of a rule set; None means that the rule set's own value applies."""

    xattrs: Xattrs | None = None
    owner: bool | None = None
    sockets: bool | None = None
    wildcard: Wildcard | None = None
    wildcard_errors: bool | None = None
    patterns: bool | None = None
    links: Links | None = None
    root_swallows: bool | None = None

    @property
    def switches(self) -> dict[str, object]:
        """The value of each switch, by its name."""
        return {name: getattr(self, name) for name in _Switches.model_fields}


class _RuleSet(_Switches):
    name: str
    summary: str
    xattrs: Xattrs
    owner: bool
    sockets: bool
    wildcard: Wildcard
    wildcard_errors: bool
    patterns: bool
    links: Links
    root_swallows: bool


class _Definition(Strict):
    name: str
    owner: str | None
    zeros: bool | None
    indexes: bool
    stubs: bool
    selector: bool
    workdir_user: bool
    frontend: int


class _Range(_Switches):
    first: Number = Field(alias="from")
    last: Number = Field(alias="to")
    rules: str
    buildkit: str | None = None
    definitions: str | None = None
    predicted: bool = False
    sockets_from: Number | None = None
    releases: dict[Number, str] = Field(default_factory=dict)

    def release(self, version: tuple[int, ...]) -> str | None:
        """The BuildKit release in a Docker release; that of the whole range where the release is not listed."""
        exact = [text for key, text in self.releases.items() if numbers(key) == version]
        line = [text for key, text in self.releases.items() if numbers(key) == version[:2]]
        return next(iter([*exact, *line]), self.buildkit)


class _Named(_Switches):
    name: str
    like: Number
    summary: str


class _File(Strict):
    rules: tuple[_RuleSet, ...] = Field(min_length=1)
    definitions: tuple[_Definition, ...]
    engines: tuple[_Range, ...]
    named: tuple[_Named, ...] = ()
    buildkit: tuple[_Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """One engine: its rule set, its definition format (None if it is not known), and its BuildKit version as text.

    `predicted` is true if neither the engine nor its packages were compared with these rules.
    """

    name: str
    rules: Rules
    dialect: Dialect | None
    buildkit: str | None = None
    predicted: bool = False

    @property
    def walks_by_name(self) -> bool:
        """True if the client that comes with it reads an ignore file as those before Docker 23 and BuildKit 0.10 do."""
        return self.dialect is None or not self.dialect.has_new_client

    @property
    def docker(self) -> str | None:
        """The version or name as that of a Docker; None for BuildKit on its own."""
        return None if BUILDKIT.fullmatch(self.name) else self.name

    @property
    def title(self) -> str:
        """The engine as text: "Docker 29.7.2" or "BuildKit 0.13.2"."""
        alone = BUILDKIT.fullmatch(self.name)
        return titled(f"buildkit-{alone[1]}" if alone else self.name)


class Rulebook:
    """Finds rule sets by name, and engines by name or version; it reads `boxes`/buildkit/rules.yaml."""

    def __init__(self, boxes: Path) -> None:
        path = boxes / "buildkit" / "rules.yaml"
        self._file = load(path, _File)
        self.rule_sets: dict[str, Rules] = {
            item.name: Rules(**{name: getattr(item, name) for name in Rules.__dataclass_fields__})
            for item in self._file.rules
        }
        self._dialects = {item.name: Dialect(**item.model_dump()) for item in self._file.definitions}
        for item in (*self._file.engines, *self._file.buildkit):
            if item.rules not in self.rule_sets or item.definitions not in (None, *self._dialects):
                raise ConfigError(f"cannot use {path}: {item.first} to {item.last} names rules that do not exist")

    @property
    def newest(self) -> Rules:
        """The rule set of the newest BuildKit."""
        return list(self.rule_sets.values())[-1]

    @property
    def newest_engine(self) -> Known:
        """The newest Docker version that lab knows."""
        return self.need(self._file.engines[-1].last)

    def rules(self, name: str) -> Rules:
        """Find a rule set by its name; UsageError suggests the nearest name if there is none."""
        if name not in self.rule_sets:
            known = list(self.rule_sets)
            raise UsageError(
                f'cannot find the rule set "{name}"{did_you_mean(name, known)}', hint=f"known are {', '.join(known)}"
            )
        return self.rule_sets[name]

    def engine(self, name: str) -> Known | None:
        """Find an engine by its name, by its Docker version, or as `buildkit-0.12.3`; None if it is not known.

        A version of two numbers, such as 20.10, is known if all its patch releases follow the same rules. An engine
        such as `buildkit-0.25.2-as-R1` was changed to hash by that rule set. It writes steps and resolves paths as its
        version does.
        """
        if changed := OTHER_RULES.fullmatch(name):
            return self._obeying(name, *changed.groups())
        for item in self._file.named:
            if item.name == name:
                like = self.engine(item.like)
                return replace(like, name=name, rules=vary(like.rules, **item.switches)) if like else None
        standalone = BUILDKIT.fullmatch(name)
        version = numbers(standalone[1] if standalone else name)
        if version is None:
            return None
        ranges = self._file.buildkit if standalone else self._file.engines
        found = [item for item in ranges if covers(item.first, item.last, version)]
        known = [self._known(name, item, version) for item in found]
        if len({(item.rules, item.dialect) for item in known}) != 1:
            return None
        release = standalone[1].removeprefix("v") if standalone else found[0].release(version)
        return replace(known[0], buildkit=release, predicted=any(item.predicted for item in known))

    def _obeying(self, name: str, like: str, rules: str) -> Known | None:
        if rules not in self.rule_sets or OTHER_RULES.fullmatch(like):  # the rules are changed once
            return None
        base = self.engine(like)
        if base is None:
            return None
        own = base.rules  # whether a socket arrives as one is decided by the client
        made = replace(self.rule_sets[rules], links=own.links, root_swallows=own.root_swallows, sockets=own.sockets)
        return replace(base, name=name, rules=made)

    def need(self, name: str) -> Known:
        """Find an engine as `engine` does; UsageError lists the known ones if it is not known."""
        known = self.engine(name)
        if known is None:
            last, newest = self._file.engines[-1].last, self._file.buildkit[-1].last
            raise UsageError(
                f'cannot determine what engine "{name}" hashes: lab has no rule set for this version',
                hint=f"give a full version of Docker such as 20.10.24, up to {last}, or of BuildKit such as "
                f"buildkit-0.13.2, up to {newest}; `python -m lab help R9` lists the versions of a rule set",
            )
        return known

    def versions(self) -> list[tuple[str, Known]]:
        """List every range of Docker versions as text, such as "19.03.13 to 19.03.15", with its rules."""
        return [(_span(item), self._known(item.first, item)) for item in self._file.engines]

    def standalone(self) -> list[tuple[str, Known]]:
        """List every range of standalone BuildKit versions as text, such as "0.8.0 to 0.8.1", with its rules."""
        return [(_span(item), self._known(f"buildkit-{item.first}", item)) for item in self._file.buildkit]

    def rule_summaries(self) -> dict[str, str]:
        """Return the summary of each rule set."""
        return {item.name: item.summary for item in self._file.rules}

    def by_name(self) -> list[tuple[str, Known]]:
        """List the engines that have a name instead of a version."""
        found = [(item.name, self.engine(item.name)) for item in self._file.named]
        return [(name, known) for name, known in found if known]

    def summaries(self) -> dict[str, str]:
        """Return the summary of each engine that has a name instead of a version."""
        return {item.name: item.summary for item in self._file.named}

    def _known(self, name: str, item: _Range, version: tuple[int, ...] = ()) -> Known:
        dialect = self._dialects[item.definitions] if item.definitions else None
        # The rule set keeps its name: the switches that differ affect only links and "." among several sources.
        rules = replace(vary(self.rule_sets[item.rules], **item.switches), name=item.rules)
        if item.sockets_from and version >= (numbers(item.sockets_from) or ()):
            rules = replace(rules, sockets=True)  # the digest of the empty file that the client sends
        return Known(name, rules, dialect, item.buildkit, item.predicted)


def _span(item: _Range) -> str:
    return item.first if item.first == item.last else f"{item.first} to {item.last}"


def vary(rules: Rules, **switches: object) -> Rules:
    """Return a rule set with other switches; None keeps a switch. The new name lists them, as in `R5+xattrs=all`."""
    changed = {name: value for name, value in switches.items() if value is not None and value != getattr(rules, name)}
    if not changed:
        return rules
    words = [f"{name}={str(value).lower()}" for name, value in changed.items()]
    return replace(rules, name="+".join([rules.name, *words]), **changed)  # type: ignore[arg-type]
