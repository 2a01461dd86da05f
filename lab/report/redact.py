"""Remove private data from a report: secrets, user names, home paths, host names, keys.

A placeholder in brackets replaces each of them, the same name always by the same placeholder: `[secret]`, `[user-1]`.
Names are found in known places (a home path, `docker info`, the registry's address) and then replaced wherever they
occur as a word. Secrets are found by their form or by the name before them. No list of forms is complete, so a person
must read a report before sending it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from operator import is_
from typing import Any

from lab.buildkit.contenthash.entry import Entry
from lab.explain.explanation import Explanation
from lab.model import Exchange
from lab.report.evidence import Evidence
from lab.report.homes import HOME
from lab.report.redactor import Redactor
from lab.results.contexts import packed as pack
from lab.results.contexts import unpacked
from lab.results.facts import BoxFacts
from lab.results.run import Run

# Accounts that exist on many machines: they name no person, and they are also common words.
_STOCK = {
    "root", "vagrant", "docker", "ubuntu", "debian", "centos", "alpine", "fedora", "admin", "user", "users", "test",
    "build", "builder", "ci", "runner", "jenkins", "git", "github", "gitlab", "node", "app", "nobody", "library",
    "lab", "local", "localhost", "shared", "public", "www-data", "linuxbrew", "registry", "image", "cache", "context",
}  # fmt: skip
_PUBLIC = {"docker.io", "index.docker.io", "registry-1.docker.io", "ghcr.io", "quay.io", "public.ecr.aws", "localhost"}
# Keys of a run whose values are fixed words or times, never text from a box.
_GRAMMAR = {
    "schema", "lab", "source", "kind", "outcome", "expected", "predicted", "verdict", "started", "finished", "type",
    "mode_octal", "content_sha256", "xattrs_b64",
}  # fmt: skip


def redact(evidence: Evidence, *, secrets_only: bool = False, outcomes_only: bool = False) -> Evidence:
    """The same evidence without secrets, user names, home paths, host names and keys; `redacted` counts them.

    `secrets_only` removes only secrets: for a report that must repeat exactly what the run did. `outcomes_only` drops
    what a report of the outcomes does not show: facts of boxes, files, and the productions that did not fail.
    """
    redactor = Redactor(secrets_only=True) if secrets_only else redactor_of(evidence)
    if outcomes_only:
        evidence = replace(evidence, run=_outcomes_of(evidence.run))
    # every default is a fixed word, a number or nothing; thousands of trials have little else
    data = evidence.run.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    packed = data.pop("contents", {})
    clean = _walk(data, redactor.text)
    contexts = clean.get("contexts", {})
    contents = _contents(packed, contexts, redactor)
    if clean is data and not contexts and contents == packed:  # nothing to hide, so that no new run is needed
        run = evidence.run
    else:
        run = Run.model_validate_json(json.dumps({**clean, "contents": contents}))
    explanations = {
        redactor.text(name): _explanation(explanation, redactor.text)
        for name, explanation in evidence.explanations.items()
    }
    exchanges = tuple(_exchange(exchange, redactor) for exchange in evidence.exchanges)
    contexts = {
        redactor.text(about): tuple(_entry(entry, redactor) for entry in entries)
        for about, entries in evidence.contexts.items()
    }
    return replace(
        evidence,
        run=run,
        explanations=explanations,
        exchanges=exchanges,
        contexts=contexts,
        redacted=dict(redactor.found),
    )


def _outcomes_of(run: Run) -> Run:
    failed = tuple(made for made in run.productions if made.problem)
    return run.model_copy(update={"boxes": (), "contexts": {}, "contents": {}, "productions": failed})


def redactor_of(evidence: Evidence) -> Redactor:
    """A redactor with the home paths, users and hosts of this run."""
    run = evidence.run
    own = " ".join([run.dockerfile, *run.instructions])
    homes: dict[str, str] = {}
    for text in _texts(evidence):
        for match in HOME.finditer(text) if "home/" in text or "Users" in text else ():
            homes.setdefault(match[0], match[1] or match[2])
    homes |= {path: home.user for path, home in evidence.homes.items()}
    # a home path that occurs only in the Dockerfile belongs to the image
    homes = {path: user for path, user in homes.items() if path not in own or _on_a_box(path, evidence)}
    words = _vocabulary(run)
    users = set(homes.values()) | set(_users(run))
    names = {user: f"[user-{number}]" for number, user in enumerate(sorted(filter(_sure, users - words)), 1)}
    hosts = {host for box in run.boxes for host in _hosts(box)} - words - set(names)
    names |= {host: f"[host-{number}]" for number, host in enumerate(sorted(filter(_sure, hosts)), 1)}
    address = run.registry.split("/")[0]
    host = address.rsplit(":", 1)[0]
    if host not in _PUBLIC and not host.startswith("127."):
        names |= {address: "[registry]", host: "[registry]"}
    return Redactor(homes, names)


def _texts(evidence: Evidence) -> Iterable[str]:
    """The texts that may hold a home path of a box: outputs, commands, and the folders they ran in."""
    run = evidence.run
    yield run.project.folder if run.project else ""
    for trial in run.trials:
        yield trial.problem or ""
    for made in run.productions:
        yield made.problem or ""
    for box in run.boxes:
        yield box.info
    for exchange in evidence.exchanges:
        yield exchange.cwd or ""
        yield from exchange.argv
        yield from exchange.env.values()
        for data in (exchange.stdout, exchange.stderr):
            if b"/home/" in data or b"Users" in data:
                yield data.decode("utf-8", "surrogateescape")


def _on_a_box(path: str, evidence: Evidence) -> bool:
    """True if a command ran below that folder."""
    known = evidence.homes.get(path)
    return (known is not None and known.used) or any(
        (exchange.cwd or "").startswith(path + "/") for exchange in evidence.exchanges
    )


def _users(run: Run) -> Iterable[str]:
    yield from run.registry.split("/")[1:]
    for box in run.boxes:
        yield from re.findall(r"(?m)^ *Username: (\S+)$", box.info)


def _hosts(box: BoxFacts) -> Iterable[str]:
    """The machine's name, short and long, and the registry hosts in its engine's settings."""
    for name in re.findall(r"(?m)^ *Name: (\S+)$", box.info):
        yield from {name, name.split(".")[0]}
    for block in re.findall(r"(?m)^ *(?:Insecure Registries|Registry Mirrors):\n((?:  \S.*\n?)+)", box.info):
        for entry in block.split():
            yield re.sub(r"^https?://|[:/].*$", "", entry)


def _sure(name: str) -> bool:
    """True for a name that is distinctive enough to be replaced wherever it occurs."""
    return (
        bool(re.fullmatch(r"[\w.:-]{3,}", name)) and bool(re.search(r"[^\W\d]", name)) and name not in _PUBLIC | _STOCK
    )


def _vocabulary(run: Run) -> set[str]:
    """The words of the run itself: a user name that equals the name of a step's file must not hide the file."""
    boxes = {box.name for box in run.boxes} | {end for trial in run.trials for end in (trial.producer, trial.consumer)}
    others = [run.scenario, run.lineup, run.dockerfile, *run.instructions, *{trial.variation for trial in run.trials}]
    return boxes | {word for text in others for word in re.findall(r"[A-Za-z0-9]+", text)} | set(others)


def _walk(value: Any, change: Callable[[str], str]) -> Any:
    """The JSON values with changed texts; the same object where no text changes."""
    kind = type(value)
    if kind is str:
        text = change(value)
        return value if text == value else text
    if kind is dict:
        pairs = [(name, _walk(item, change)) for name, item in value.items() if name not in _GRAMMAR]
        changed = {name: item for name, item in pairs if item is not value[name]}
        return {**value, **changed} if changed else value
    if kind is list:
        items = [_walk(item, change) for item in value]
        return value if all(map(is_, items, value)) else items
    return value


def _explanation(explanation: Explanation, change: Callable[[str], str]) -> Explanation:
    steps = tuple(
        replace(
            step,
            instruction=change(step.instruction),
            sentence=change(step.sentence),
            evidence=tuple(map(change, step.evidence)),
            advice=change(step.advice) if step.advice else step.advice,
            differences=tuple(
                replace(item, path=change(item.path), producer=change(item.producer), consumer=change(item.consumer))
                for item in step.differences
            ),
        )
        for step in explanation.steps
    )
    return replace(explanation, trial=change(explanation.trial), steps=steps)


def _exchange(exchange: Exchange, redactor: Redactor) -> Exchange:
    return replace(
        exchange,
        about=redactor.text(exchange.about),
        argv=tuple(map(redactor.text, exchange.argv)),
        env={name: redactor.text(f"{name}={value}").partition("=")[2] for name, value in exchange.env.items()},
        cwd=redactor.text(exchange.cwd) if exchange.cwd else exchange.cwd,
        stdout=redactor.data(exchange.stdout),
        stderr=redactor.data(exchange.stderr),
    )


def _entry(entry: Entry, redactor: Redactor) -> Entry:
    """The same object with redacted text; its size is the size of the redacted content."""
    content = redactor.content(entry.content) if isinstance(entry.content, bytes) else entry.content
    size = len(content) if isinstance(content, bytes) else entry.size
    path, link = redactor.text(entry.path), redactor.text(entry.linkname)
    xattrs = {name: redactor.content(value) for name, value in entry.xattrs.items()}
    known = entry.sha256 if content == entry.content else None
    return replace(entry, path=path, linkname=link, content=content, size=size, xattrs=xattrs, sha256=known)


def _contents(packed: dict[str, str], contexts: dict[str, Any], redactor: Redactor) -> dict[str, str]:
    """The contents of files as a run keeps them; a changed content gets a new checksum, also in its objects.

    Values of attributes are redacted too. A content that cannot be read is left out, because it may hold anything.
    """
    found: dict[str, str] = {}
    renamed: dict[str, tuple[str, int]] = {}
    for name, text in packed.items():
        try:
            content = unpacked(text)
        except ValueError:
            continue
        clean = redactor.content(content)
        known = name if clean == content else sha256(clean).hexdigest()
        found[known] = text if clean == content else pack(clean)
        renamed[name] = (known, len(clean))
    for context in contexts.values():
        context["digests"] = {redactor.text(path): sums for path, sums in context.get("digests", {}).items()}
    for row in (row for context in contexts.values() for row in context.get("entries", ())):
        number = row.get("content_sha256")  # of a foreign run it may be of any type
        if isinstance(number, str) and number in renamed:
            row["content_sha256"], row["size"] = renamed[number]
        if isinstance(values := row.get("xattrs_b64"), dict):
            row["xattrs_b64"] = {name: _attribute(value, redactor) for name, value in values.items()}
    return found


def _attribute(value: Any, redactor: Redactor) -> Any:
    try:
        return base64.b64encode(redactor.content(base64.b64decode(value, validate=True))).decode()
    except (TypeError, ValueError):  # of a foreign run; the code that uses it reports the error
        return value
