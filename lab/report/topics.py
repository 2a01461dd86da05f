"""The pages of `lab help TOPIC`: rule sets, engines, known bugs, exit codes, words and causes, from their own sources.

A page is made from boxes/buildkit/rules.yaml, boxes/buildkit/upstream.yaml, the kinds of error, the kinds of cause, or
docs/glossary.md, which the wheel carries too. Nothing is written twice.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.buildkit.contenthash.rules import Links, Rules, Wildcard, Xattrs
from lab.buildkit.rulebook import Known, Rulebook
from lab.errors import ConfigError, ExitCode, exit_codes, reason
from lab.explain.kinds import CAUSES
from lab.explain.upstream import Bug, Range, Upstream

GLOSSARY = Path("docs") / "glossary.md"
XATTRS = {
    Xattrs.ALL: "every extended attribute, the SELinux label included",
    Xattrs.PLAIN: "extended attributes, except security.* and system.*",
    Xattrs.CAPABILITY: "extended attributes, except security.* and system.*, but security.capability is hashed",
}
WILDCARDS = {
    Wildcard.DIGESTS: "the digests of a wildcard's matches, without their names",
    Wildcard.NAMES: "the base name and the digest of each match of a wildcard",
    Wildcard.FLAT: "each object in a wildcard's matches, with its base name; every link is followed",
    Wildcard.TOP_LINKS: "each object in a wildcard's matches, with its base name; only a match itself is followed",
    Wildcard.PATHS: "each object in a wildcard's matches, with its path below the fixed part of the pattern",
}
ALWAYS = (
    "type and permission bits (with setuid, setgid and sticky)",
    "content and size of a file, the target of a link, the numbers of a device",
    "of a folder: the names and digests of all that is in it",
)
NEVER = "times, the owner on disk (a client sends 0:0), and the mode and attributes of the context's root folder"


@dataclass(frozen=True, slots=True)
class Topic:
    """One page: its name, its kind, one line that says what it is, and parts of a heading with lines.

    `aliases` are other names by which it is found; `see` are names of other pages.
    """

    name: str
    kind: str
    summary: str
    parts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    aliases: tuple[str, ...] = ()
    see: tuple[str, ...] = ()


class Topics:
    """All pages but those of verbs; `boxes` holds the data of rules and bugs, `data` the glossary."""

    def __init__(self, boxes: Path, data: Path) -> None:
        self.book = Rulebook(boxes)
        self.upstream = Upstream(boxes)
        self.glossary = data / GLOSSARY

    def all(self) -> list[Topic]:
        """Every page, kind by kind."""
        return [*self._rule_sets(), *self._bugs(), *self._exit_codes(), *self._words(), *self._causes()]

    def named(self, word: str) -> list[Topic]:
        """The pages of that name, in any case; of a version of Docker or BuildKit, one that is made for it."""
        wanted = word.strip().lower()
        found = [topic for topic in self.all() if wanted in map(str.lower, (topic.name, *topic.aliases))]
        if found:
            return found
        bugs = self.upstream.named(wanted)
        engine = self.book.engine(wanted)
        return [_bug(bug) for bug in bugs] or ([self._engine(engine)] if engine else [])

    def _rule_sets(self) -> Iterable[Topic]:
        summaries = self.book.rule_summaries()
        names = list(summaries)
        for number, (name, summary) in enumerate(summaries.items()):
            parts = [
                ("hashed of each object", (*ALWAYS, *_switches(self.book.rule_sets[name]))),
                ("never hashed", (NEVER,)),
                ("Docker", _versions(self.book.versions(), self.book.rule_sets[name])),
                ("BuildKit on its own", _versions(self.book.standalone(), self.book.rule_sets[name])),
            ]
            near = (*names[max(0, number - 1) : number], *names[number + 1 : number + 2])
            yield Topic(name, "rule set", summary, _filled(parts), see=near)

    def _engine(self, known: Known) -> Topic:
        standalone = known.title.startswith("BuildKit")
        bugs = [] if standalone else self.upstream.of_engine(known.name)
        checked = "predicted: lab compared neither this engine nor its packages with these rules"
        parts = [
            ("hashes by", (f"{known.rules.name}", *((checked,) if known.predicted else ()))),
            ("contains", () if standalone or not known.buildkit else (f"BuildKit {known.buildkit}",)),
            ("inline cache", () if known.dialect else ("none: this version writes no inline cache",)),
            ("known bugs of its cache", tuple(f"{bug.name}: {bug.summary}" for bug in bugs)),
        ]
        summary = f"{known.title}: {self.book.rule_summaries().get(known.rules.name, known.rules.name)}"
        return Topic(known.name, "engine", summary, _filled(parts), see=(known.rules.name.partition("+")[0],))

    def _bugs(self) -> Iterable[Topic]:
        return (_bug(bug) for bug in self.upstream.bugs)

    def _exit_codes(self) -> Iterable[Topic]:
        return (_exit_code(item) for item in exit_codes())

    def _words(self) -> Iterable[Topic]:
        """The words of the glossary, each a row of its table."""
        try:
            text = self.glossary.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the glossary {self.glossary}: {reason(error)}") from error
        rows = re.findall(r"^\| ([^|]+) \| (.+) \|$", text, re.MULTILINE)
        for word, meaning in rows[1:]:
            aliases = (word.replace(" ", "-"),) if " " in word else ()
            yield Topic(word, "word", meaning.replace("`", ""), aliases=aliases)

    def _causes(self) -> Iterable[Topic]:
        """The kinds of cause in the order in which they are tried, as their own modules describe them."""
        for name, find in CAUSES.items():
            module = sys.modules[find.__module__]
            doc = " ".join(inspect.cleandoc(module.__doc__ or "").split("\n\n")[0].split())
            when = " ".join(inspect.cleandoc(find.__doc__ or "").split("\n\n")[0].split()).partition("; None")[0]
            advice = [value for key, value in vars(module).items() if key.endswith("ADVICE") and isinstance(value, str)]
            slug = f"cause-{find.__module__.rpartition('.')[2].replace('_', '-')}"
            parts = [("found", (when,)), ("what to do", tuple(advice))]
            yield Topic(
                slug, "cause", f"{name}. {doc}", _filled(parts), aliases=tuple({name: 0, name.removeprefix("the "): 0})
            )


def _filled(parts: Sequence[tuple[str, tuple[str, ...]]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((heading, lines) for heading, lines in parts if any(lines))


def _switches(rules: Rules) -> list[str]:
    """What one rule set hashes beyond what all do."""
    owner = "uid and gid (0 from a client; real ones of files in other stages)" if rules.owner else ""
    socket = "a socket, as an empty file" if rules.sockets else ""
    links = "as the kernel does" if rules.links is Links.REAL else "in the text of the path"
    lines = [XATTRS[rules.xattrs], owner, socket, WILDCARDS[rules.wildcard], f'".." in a link is resolved {links}']
    lines += ["COPY --exclude and other patterns are known"] if rules.patterns else []
    return [line for line in lines if line]


def _versions(ranges: Sequence[tuple[str, Known]], rules: Rules) -> tuple[str, ...]:
    """The versions that follow a rule set, with the switches in which some of them differ from it."""
    found = []
    for versions, known in ranges:
        if known.rules.name != rules.name:
            continue
        other = [name for name in Rules.__dataclass_fields__ if getattr(known.rules, name) != getattr(rules, name)]
        words = [f"BuildKit {known.buildkit}"] if known.buildkit else []
        words += [f"{name}: {str(getattr(known.rules, name)).lower()}" for name in other]
        words += ["predicted"] if known.predicted else []
        found.append(f"{versions} ({', '.join(words)})" if words else versions)
    return tuple(found)


def _bug(bug: Bug) -> Topic:
    fixed = bug.fixed or ("not fixed as a whole" if bug.partly else "in no version that lab knows")
    affected = [
        f"{program} {_span(item)}"
        for program, ranges in (("Docker", bug.docker), ("BuildKit", bug.buildkit), ("buildx", bug.client))
        for item in ranges
    ]
    parts = [
        ("effect", (bug.effects or "",)),
        ("only if", (bug.when or "",)),
        ("fields of a file", tuple(bug.fields)),
        ("affected", tuple(affected)),
        ("fixed", (fixed, *((bug.partly,) if bug.partly else ()))),
        ("upstream", tuple(url for url in (bug.url, *bug.fixes) if url)),
        ("what to do", (bug.advice,)),
    ]
    return Topic(bug.name, "known bug", bug.summary, _filled(parts), aliases=tuple(bug.threads))


def _span(item: Range) -> str:
    if item.first and item.last:
        return item.first if item.first == item.last else f"{item.first} to {item.last}"
    if item.first or item.last:
        return f"from {item.first}" if item.first else f"up to {item.last}"
    return "every version"


def _exit_code(item: ExitCode) -> Topic:
    parts = [("whose fault", (item.fault or "nobody's: this is an outcome, not an error",))]
    name = f"exit-{item.code}"
    return Topic(name, "exit code", item.meaning, tuple(parts), aliases=(str(item.code), f"exit {item.code}"))
