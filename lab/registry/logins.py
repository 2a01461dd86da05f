"""Logins for registries, from the places in which Docker and Podman look for them, in that order."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.boxes.base import NOT_FOUND, Command
from lab.boxes.process import run_process
from lab.errors import LabError, reason
from lab.files import read_plain
from lab.project import home_folder
from lab.registry.names import HUB, HUB_HOST, Reference

HUB_KEY = "https://index.docker.io/v1/"  # Docker stores the login of Docker Hub by this name
HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
IDENTITY = "<token>"  # the user's name with which a helper marks an identity token
NOT_STORED = "credentials not found"  # what helpers print, with status 1, if they have no login
ASK = 'printf %s "$1" | "$2" get'  # a helper reads the registry's name from its input


@dataclass(frozen=True, slots=True)
class Login:
    """A user's name and password for one registry, or a token; `source` says where it comes from.

    `identity` is an OAuth2 refresh token, `bearer` a token that is the proof itself.
    """

    user: str
    password: str = field(repr=False)
    identity: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)
    source: str = ""

    @property
    def basic(self) -> str:
        """The value of an Authorization header for this login."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Logins:
    """The login for one registry, None if no place has one, and what each place in the order asked had to say."""

    login: Login | None = None
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """One place for logins: its name in messages, its content (None if there is none), and how it names a registry."""

    name: str
    content: Callable[[], str | None]
    by_path: bool = False  # Podman's files have logins for a part of a registry too


def find_login(reference: Reference, seconds: float) -> Logins:
    """Find the login that Docker uses for an image's registry, else Podman's; a helper may take `seconds`.

    The order is DOCKER_AUTH_CONFIG, config.json in DOCKER_CONFIG or ~/.docker, REGISTRY_AUTH_FILE or
    XDG_RUNTIME_DIR/containers/auth.json, and ~/.config/containers/auth.json. No error is raised: a place that cannot
    be read, or a helper that fails, is described in `asked`.
    """
    asked: list[str] = []
    for place in _places():
        text = place.content()
        if text is None:
            continue
        try:
            found, said = _login_in(text, place, reference, seconds)
        except (OSError, ValueError, RecursionError) as error:
            found, said = None, f"{place.name}: not read: {reason(error)}"
        asked.append(said)
        if found:
            return Logins(found, tuple(asked))
    return Logins(None, tuple(asked))


def _places() -> list[_Place]:
    given = os.environ
    try:
        home = home_folder()
    except LabError:
        home = Path("/nonexistent")
    docker = Path(given.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    runtime = Path(given.get("XDG_RUNTIME_DIR") or "/nonexistent") / "containers" / "auth.json"
    runtime = Path(given.get("REGISTRY_AUTH_FILE") or runtime)
    settings = Path(given.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"
    files = [(docker, False), (runtime, True), (settings, True)]
    return [
        _Place("DOCKER_AUTH_CONFIG", lambda: given.get("DOCKER_AUTH_CONFIG") or None),
        *(_Place(str(path), _reader(path), by_path) for path, by_path in files),
    ]


def _reader(path: Path) -> Callable[[], str | None]:
    def content() -> str | None:
        try:
            return read_plain(path).decode("utf-8", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return json.dumps({"unreadable": reason(error)})

    return content


def _login_in(text: str, place: _Place, reference: Reference, seconds: float) -> tuple[Login | None, str]:
    """The login that one place has, and a sentence on what it had."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None, f"{place.name} is not JSON"
    data = data if isinstance(data, dict) else {}
    if "unreadable" in data:
        return None, f"{place.name} cannot be read: {data['unreadable']}"
    keys = _keys(reference, by_path=place.by_path)
    program = _helper(data, keys)
    if program:
        login, said = _from_helper(program, keys, place.name, seconds)
        if login or not place.by_path:
            return login, said
    found = _stored(data, keys, place.name)
    return found, f"{place.name} has {'a' if found else 'no'} login for {reference.registry}"


def _keys(reference: Reference, *, by_path: bool) -> list[str]:
    """The names under which a login may stand, the most exact first."""
    host = reference.registry
    if host == HUB:
        return [HUB_KEY, *(_parts_of(reference) if by_path else ()), HUB, "index.docker.io", HUB_HOST]
    urls = [f"{scheme}{host}{end}" for scheme in ("https://", "http://") for end in ("", "/", "/v1/", "/v2/")]
    return [*(_parts_of(reference) if by_path else ()), host, *urls]


def _parts_of(reference: Reference) -> list[str]:
    """The repository with its registry, and each namespace above it, the longest first."""
    parts = f"{reference.registry}/{reference.repository}".split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 1, -1)]


def _helper(data: Mapping[str, Any], keys: list[str]) -> str:
    """The name of the helper that a config names for a registry; empty if it names none."""
    stated = data.get("credHelpers")
    of_host = stated if isinstance(stated, dict) else {}
    for key in keys:
        if isinstance(of_host.get(key), str) and of_host[key]:
            return str(of_host[key])
    store = data.get("credsStore")
    return store if isinstance(store, str) else ""


def _stored(data: Any, keys: list[str], source: str) -> Login | None:
    """The login that stands in a config itself."""
    stated = data.get("auths") if isinstance(data, dict) else None
    auths = stated if isinstance(stated, dict) else {}
    for key in keys:
        entry = auths.get(key)
        found = _entry(entry, source) if isinstance(entry, dict) else None
        if found:
            return found
    return None


def _entry(entry: Mapping[str, Any], source: str) -> Login | None:
    user, password = _word(entry, "username"), _word(entry, "password")
    try:
        plain = base64.b64decode(_word(entry, "auth")).decode().rstrip("\0")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        plain = ""
    if ":" in plain:
        user, _, password = plain.partition(":")
    identity, bearer = _word(entry, "identitytoken"), _word(entry, "registrytoken")
    if identity or bearer or user:
        return Login(user, password, identity, bearer, source)
    return None


def _word(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _from_helper(name: str, keys: list[str], place: str, seconds: float) -> tuple[Login | None, str]:
    """The login that a helper has, and a sentence on what it answered; the sentence never holds the secret."""
    program = f"docker-credential-{name}"
    source = f"{program}, which {place} names,"
    if not HELPER.fullmatch(name):
        return None, f"{place} names the credential helper {name!r}, which is no name of a program"
    # Docker asks by the name under which `docker login` stores
    server = HUB_KEY if HUB_KEY in keys else next(key for key in keys if "/" not in key)
    result = run_process(Command(("sh", "-c", ASK, "sh", server, program), timeout=seconds))
    if result.timed_out:
        return None, f"{source} does not answer within {seconds:g} s"
    if result.exit == NOT_FOUND:
        return None, f"{source} is not installed"
    printed = result.stdout.decode("utf-8", "replace").strip()
    if not result.ok:
        if NOT_STORED in printed.lower():
            return None, f"{source} has no login for {server}"
        return None, f"{source} ends with status {result.exit}{_first_line(printed)}"
    try:
        data = json.loads(printed)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or not _word(data, "Secret"):
        return None, f"{source} answers in a form that Docker does not accept"
    user, secret = _word(data, "Username"), _word(data, "Secret")
    if user == IDENTITY:
        return Login("", "", identity=secret, source=source.rstrip(",")), f"{source} has an identity token"
    return Login(user, secret, source=source.rstrip(",")), f"{source} has a login for {server}"


def _first_line(printed: str) -> str:
    """The first line of a failed helper's output; nothing if it could hold a secret."""
    line = printed.splitlines()[0][:200] if printed else ""
    return f": {line}" if line and "secret" not in printed.lower() and not line.startswith("{") else ""
