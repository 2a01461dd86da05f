"""Reads images' manifests and configs from a registry over its HTTP API, version 2; it never writes."""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

from lab.errors import LabError, ReadError, RegistryError
from lab.project import home_folder
from lab.registry.manifests import ACCEPTED, Platform, choose, config_digest, document, image_facts, is_index
from lab.registry.names import HUB, Reference, parse
from lab.registry.server import Registry
from lab.results.run import ImageFacts

SECONDS = 15.0
LARGEST = 16 << 20  # bytes of a manifest or config; real ones have a few thousand
REDIRECTS = 5
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Login:
    """A user's name and password (or token) for one registry."""

    user: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The value of an Authorization header for this login."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def login_for(registry: str, file: Path) -> Login | None:
    """Return the login for a registry from a Docker config file.

    None if the file has no login for it, or if a credential helper stores the login.
    """
    keys = {registry, f"https://{registry}", f"https://{registry}/", f"https://{registry}/v2/"}
    if registry == HUB:
        keys |= {"https://index.docker.io/v1/", "index.docker.io"}
    try:
        auths = json.loads(file.read_bytes()).get("auths", {})
        for key in sorted(keys & auths.keys()):
            plain = base64.b64decode(auths[key]["auth"]).decode()
            user, colon, password = plain.partition(":")
            if colon and user:
                return Login(user, password)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        return None  # a config that Docker cannot use either is the same as no login
    return None


class Repository:
    """One repository of a registry; requests are first sent without a login, then with a token or with the login."""

    def __init__(
        self, reference: Reference, *, login: Login | None = None, seconds: float = SECONDS, port: int | None = None
    ) -> None:
        self.reference = reference
        self.login = login
        self.seconds = seconds
        base = f"http://127.0.0.1:{port}" if port else None
        self.base = base or f"http{'' if reference.plain_http else 's'}://{reference.host}"
        self._authorization: str | None = None

    def image(self, platform: Platform) -> ImageFacts:
        """Read the image's config, through an index if there is one; ReadError or RegistryError if that fails."""
        what = str(self.reference)
        text = self._get(f"manifests/{self.reference.name}", ACCEPTED)
        led = [_digest(text)]
        if self.reference.name.startswith("sha256:") and led[0] != self.reference.name:
            raise ReadError(f"cannot read {what}: the bytes from its registry do not match their digest")
        manifest = document(text, f"the manifest of {what}")
        if is_index(manifest):
            led.append(choose(manifest, platform, what))
            text = self._get(f"manifests/{led[1]}", ACCEPTED)
            manifest = document(text, f"the manifest of {what}")
        digest = config_digest(manifest, what)
        config = self._get(f"blobs/{digest}", ())
        if _digest(config) != digest or _digest(text) != led[-1]:
            raise ReadError(f"cannot read {what}: the bytes from its registry do not match their digest")
        return image_facts(config, digest, what, tuple(led))

    def _get(self, path: str, accept: tuple[str, ...]) -> bytes:
        url = f"{self.base}/v2/{self.reference.repository}/{path}"
        headers = {"Accept": ", ".join(accept)} if accept else {}
        answer = self._ask(url, headers)
        if answer.status == 401:
            self._authorization = self._authorize(answer.headers.get("WWW-Authenticate", ""))
            answer = self._ask(url, headers)
        if answer.status != 200:
            raise self._refusal(answer, path)
        return answer.body

    def _ask(self, url: str, headers: Mapping[str, str]) -> _Answer:
        """GET a URL and follow redirects; another host does not receive the Authorization header."""
        own = _place(url)
        if self._authorization:
            headers = {"Authorization": self._authorization, **headers}
        for _ in range(REDIRECTS):
            sent = headers if _place(url) == own else _without_proof(headers)
            answer = self._fetch(url, sent)
            target = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not target:
                return answer
            url = urljoin(url, target)
        raise RegistryError(f"cannot read {self.reference}: its registry redirects more than {REDIRECTS} times")

    def _fetch(self, url: str, headers: Mapping[str, str]) -> _Answer:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RegistryError(f"cannot read {self.reference}: lab does not support its registry's address {url}")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        try:
            with closing(kind(parts.hostname, parts.port, timeout=self.seconds)) as connection:
                connection.connect()
                with _Deadline(connection.sock, self.seconds):
                    return self._exchange(connection, parts, headers)
        except TimeoutError as error:
            raise RegistryError(
                f"cannot read {self.reference}: {parts.netloc} does not answer within {self.seconds:g} s",
                hint="lab can also read an image from a file: `docker save IMAGE --output FILE`",
            ) from error
        except ssl.SSLError as error:
            raise RegistryError(
                f"cannot read {self.reference}: no secure connection to {parts.netloc}: {error.reason or error}"
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise RegistryError(
                f"cannot read {self.reference}: the request to {parts.netloc} failed: {why}",
                hint="lab can also read an image from a file: `docker save IMAGE --output FILE`",
            ) from error

    def _exchange(
        self, connection: http.client.HTTPConnection, parts: SplitResult, headers: Mapping[str, str]
    ) -> _Answer:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"User-Agent": "docker-cache-lab", **headers})
        response = connection.getresponse()
        body = response.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise ReadError(f"cannot read {self.reference}: the registry's answer is larger than {LARGEST} bytes")
        stated = response.headers.get("Content-Length", "")
        if stated.isdecimal() and len(body) < int(stated):
            raise RegistryError(f"cannot read {self.reference}: the answer of {parts.netloc} is not complete")
        return _Answer(response.status, response.headers, body)

    def _authorize(self, challenge: str) -> str:
        """Return the Authorization that a 401 asks for: a token (anonymous or with the login), or the login itself."""
        kind, _, rest = challenge.partition(" ")
        parameters = dict(CHALLENGE.findall(rest))
        if kind.lower() == "bearer" and "realm" in parameters:
            wanted = {"service": parameters.get("service", ""), "scope": f"repository:{self.reference.repository}:pull"}
            headers = {"Authorization": self.login.basic} if self.login else {}
            self._authorization = None
            answer = self._ask(f"{parameters['realm']}?{urlencode(wanted)}", headers)
            if answer.status == 200:
                data = document(answer.body, f"the token for {self.reference}")
                token = data.get("token") or data.get("access_token")
                if isinstance(token, str) and not re.search(r"[\r\n]", token):
                    return f"Bearer {token}"
            raise self._refusal(answer, "token")
        if self.login:
            return self.login.basic
        raise self._login_wanted()

    def _refusal(self, answer: _Answer, path: str) -> RegistryError:
        if answer.status in (401, 403):
            return self._login_wanted()
        if answer.status == 404:
            return RegistryError(
                f"cannot read {self.reference}: "
                + ("the registry has no such image" if path.startswith("manifests/") else "a part of it is missing"),
                hint="an image that was not pushed is in no registry; save it with `docker save` and name the file",
            )
        if answer.status == 429:
            return RegistryError(f"cannot read {self.reference}: the registry received too many requests (status 429)")
        return RegistryError(f"cannot read {self.reference}: the registry answers with status {answer.status}")

    def _login_wanted(self) -> RegistryError:
        tried = "rejects the login of ~/.docker/config.json" if self.login else "requires a login"
        return RegistryError(
            f"cannot read {self.reference}: the registry {tried}",
            hint=f"docker login {'' if self.reference.registry == HUB else self.reference.registry}".rstrip()
            + "; lab cannot read a login in a credential helper: use `docker save` and name the file instead",
        )


class _Deadline:
    """Limits the total time of the exchange on a connection, in seconds; raises TimeoutError.

    A socket's own timeout limits only the time of each piece.
    """

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._passed = False
        self._sock = sock
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def _end(self) -> None:
        self._passed = True
        with suppress(OSError):  # it may already be closed
            self._sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._passed:
            raise TimeoutError from error


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _without_proof(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Authorization"}


def _digest(data: bytes) -> str:
    return "sha256:" + sha256(data).hexdigest()


SECONDS = 5.0


def read_image(name: str, registry: Registry) -> ImageFacts:
    """Read the config of an image; if that fails, the result has a `problem`, and predictions are then unknown."""
    try:
        reference = parse(name)
        ours = registry.port is not None and name.startswith(f"{registry.prefix}/")
        login = None if ours else login_for(reference.registry, home_folder() / ".docker" / "config.json")
        port = registry.port if ours else None
        return Repository(reference, login=login, seconds=SECONDS, port=port).image(Platform())
    except LabError as error:
        return ImageFacts(problem=error.message)
