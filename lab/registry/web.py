"""Questions to registries and stores over HTTP, limited in time and size, with one clear error for each fault."""

from __future__ import annotations

import base64
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import SplitResult, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from lab.errors import ReadError, RegistryError
from lab.registry.certificates import context_for
from lab.registry.masking import shown
from lab.retries import Attempts, attempt

SECONDS = 15.0
LARGEST = 16 << 20  # bytes of a manifest or config; real ones have a few thousand
REDIRECTS = 5
GATEWAY = (502, 503, 504)
ASKING = Attempts(most=3, first=0.5)
FROM_FILE = "lab can also read an image from a file: `docker save IMAGE --output FILE`"


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, headers and whole body of an answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes = field(repr=False)

    @property
    def wait(self) -> str:
        """When the server wants to be asked again, as a clause for an error; empty if it does not say."""
        after = self.headers.get("Retry-After", "").strip()
        if not after:
            return ""
        return f"; it asks to wait {after} s" if after.isdecimal() else f"; it asks to wait until {after}"


class _BusyError(Exception):
    """A gateway in front of the server had no answer of it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"the answer has status {answer.status}")
        self.answer = answer


def _may_pass(error: Exception) -> bool:
    """True for a busy gateway, a connection that was refused or broke, and a name server without an answer.

    A question whose time is over is not repeated, and neither is one to a host that has no address.
    """
    cause = error.__cause__
    if isinstance(cause, socket.gaierror):
        return cause.errno == socket.EAI_AGAIN
    return isinstance(error, _BusyError) or isinstance(cause, ConnectionError)


@dataclass(frozen=True, slots=True)
class Web:
    """The way to the servers that one source needs: what is read, as errors name it, and seconds for each question."""

    what: str
    seconds: float = SECONDS
    insecure: bool = False  # accept any certificate
    instead: str = FROM_FILE  # the hint if no server answers

    def ask(self, url: str, headers: Mapping[str, str], *, form: bytes | None = None, largest: int = LARGEST) -> Answer:
        """GET a URL, or POST a form to it, and follow redirects; another host does not receive the Authorization.

        Raises RegistryError if no whole answer arrives, and ReadError for an answer of more than `largest` bytes.
        """
        own = _place(url)
        for _ in range(REDIRECTS):
            sent = headers if _place(url) == own else _without_proof(headers)
            answer = self._answer(url, sent, form, largest)
            target = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not target:
                return answer
            before, url = _place(url)[0], urljoin(url, target)
            if before == "https" and _place(url)[0] == "http" and not self.insecure:
                raise RegistryError(f"cannot read {self.what}: its registry redirects from https to {shown(url)}")
            form = form if answer.status in (307, 308) and _place(url) == own else None
        raise RegistryError(f"cannot read {self.what}: its registry redirects more than {REDIRECTS} times")

    def _answer(self, url: str, headers: Mapping[str, str], form: bytes | None, largest: int) -> Answer:
        """The answer of the last attempt: a broken connection and a busy gateway are asked again."""

        def once() -> Answer:
            answer = self._fetch(url, headers, form, largest)
            if answer.status in GATEWAY and not answer.wait:  # a server that states a time is not asked before it
                raise _BusyError(answer)
            return answer

        try:
            on = (RegistryError, _BusyError)
            return attempt(_place(url)[1], "ask", once, on=on, passing=_may_pass, attempts=ASKING)
        except _BusyError as error:
            return error.answer

    def _fetch(self, url: str, headers: Mapping[str, str], form: bytes | None, largest: int) -> Answer:
        parts = _parts(url)
        if parts is None:
            raise RegistryError(f"cannot read {self.what}: lab does not support its registry's address {shown(url)}")
        server = _host(parts)
        try:
            connection, target, more = self._connection(parts)
            with closing(connection):
                connection.connect()
                with _Deadline(connection.sock, self.seconds):
                    return self._exchange(connection, server, target, {**headers, **more}, form, largest)
        except TimeoutError as error:
            raise RegistryError(
                f"cannot read {self.what}: {server} does not answer within {self.seconds:g} s", hint=self.instead
            ) from error
        except ssl.SSLError as error:
            why = getattr(error, "verify_message", "") or error.reason or str(error)
            raise RegistryError(
                f"cannot read {self.what}: no secure connection to {server}: {why}",
                hint=f"put the certificate of its authority into /etc/docker/certs.d/{server}/ca.crt",
            ) from error
        except http.client.InvalidURL as error:  # its text has the whole address
            raise RegistryError(
                f"cannot read {self.what}: the address {shown(url)} has a character that no address may have"
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise RegistryError(
                f"cannot read {self.what}: the request to {server} failed: {why}", hint=self.instead
            ) from error

    def _connection(self, parts: SplitResult) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
        """A connection that is not open yet, the target to ask for on it, and headers for a proxy."""
        host, port = str(parts.hostname), parts.port
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        proxy = _proxy(parts)
        seconds = self.seconds
        if parts.scheme == "https":
            context = context_for(_host(parts), insecure=self.insecure)
            if proxy is None:
                return http.client.HTTPSConnection(host, port, timeout=seconds, context=context), target, {}
            tunnel = http.client.HTTPSConnection(str(proxy.hostname), proxy.port, timeout=seconds, context=context)
            tunnel.set_tunnel(host, port or 443, _proxy_login(proxy))
            return tunnel, target, {}
        if proxy is None:
            return http.client.HTTPConnection(host, port, timeout=seconds), target, {}
        through = http.client.HTTPConnection(str(proxy.hostname), proxy.port, timeout=seconds)
        return through, f"http://{_host(parts)}{target}", _proxy_login(proxy)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        server: str,
        target: str,
        headers: Mapping[str, str],
        form: bytes | None,
        largest: int,
    ) -> Answer:
        about = {"User-Agent": "docker-cache-lab", **headers}
        if form is not None:
            about["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("GET" if form is None else "POST", target, body=form, headers=about)
        with connection.getresponse() as response:
            stated = response.headers.get("Content-Length", "")
            size = int(stated) if stated.isdecimal() and len(stated) < 20 else None
            if size is not None and size > largest:
                said = f"the answer of {server} has {size} bytes, more than {largest}"
                raise ReadError(f"cannot read {self.what}: {said}")
            body = response.read(largest + 1)
        if len(body) > largest:
            raise ReadError(f"cannot read {self.what}: the answer of {server} is larger than {largest} bytes")
        if size is not None and len(body) < size:
            raise RegistryError(f"cannot read {self.what}: the answer of {server} is not complete")
        return Answer(response.status, response.headers, body)


def json_body(answer: Answer, what: str, server: str) -> bytes:
    """Return the body of an answer that is to be JSON; RegistryError for the HTML page of a proxy or a login."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "text/html" or answer.body.lstrip()[:1] == b"<":
        raise RegistryError(
            f"cannot read {what}: {server} answers with a web page, not as a registry does",
            hint="a proxy or a sign-in page may answer in its place; check HTTPS_PROXY, NO_PROXY and the name",
        )
    return answer.body


def _parts(url: str) -> SplitResult | None:
    """The parts of an HTTP address; None for any other text."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        return None
    return parts if valid else None


def _host(parts: SplitResult) -> str:
    """The host and port of an address, without the user and password that it may have."""
    return parts.netloc.rpartition("@")[2]


def _proxy(parts: SplitResult) -> SplitResult | None:
    """The proxy that the environment names for an address; never one for this machine, as Go has it."""
    host = str(parts.hostname)
    if host == "localhost" or _is_loopback(host) or proxy_bypass(f"{host}:{parts.port}" if parts.port else host):
        return None
    named = getproxies().get(parts.scheme) or getproxies().get("all")
    found = _parts(named if "://" in named else f"http://{named}") if named else None
    if named and found is None:
        raise ValueError(f"the environment names the proxy {shown(named)}, which is not an HTTP address")
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _proxy_login(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    plain = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(plain.encode()).decode()}


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
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme, _host(parts)


def _without_proof(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Authorization"}
