"""Reads images' manifests and configs from a registry over its HTTP API, version 2; it never writes."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import urlencode, urlsplit

from lab.errors import LabError, ReadError, RegistryError
from lab.registry.logins import Login, Logins, find_login
from lab.registry.manifests import ACCEPTED, Platform, choose, config_digest, document, image_facts, is_index
from lab.registry.masking import shown
from lab.registry.names import HUB, Reference, parse
from lab.registry.server import Registry
from lab.registry.web import LARGEST, SECONDS, Answer, Web, json_body
from lab.results.facts import ImageFacts

CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
CLIENT = "docker-cache-lab"
TAGS = 200  # tags that are asked for when an image is missing
OF_A_RUN = 5.0  # seconds for a question about an image of a run


class Repository:
    """One repository of a registry; requests are first sent without a login, then with a token or with the login.

    The login is looked for when the registry asks for one, unless `login` gives it. `port` is that of lab's own
    registry on loopback, which gets the login with the first request. `insecure` accepts any certificate, and plain
    HTTP where there is no TLS, as BuildKit does.
    """

    def __init__(
        self,
        reference: Reference,
        *,
        login: Login | None = None,
        seconds: float = SECONDS,
        port: int | None = None,
        insecure: bool = False,
    ) -> None:
        self.reference = reference
        self.seconds = seconds
        self.web = Web(str(reference), seconds, insecure)
        base = f"http://127.0.0.1:{port}" if port else None
        self.base = base or f"http{'' if reference.plain_http and not insecure else 's'}://{reference.host}"
        self._logins = Logins(login) if login or port else None
        self._authorization = login.basic if login and port else None
        self._sent = login if port else None  # the login with which the registry was asked

    def image(self, platform: Platform) -> ImageFacts:
        """Read the image's config, through an index if there is one; ReadError or RegistryError if that fails."""
        what = str(self.reference)
        text = self.root()
        led = [digest_of(text)]
        manifest = document(text, f"the manifest of {what}")
        if is_index(manifest):
            led.append(choose(manifest, platform, what))
            manifest = document(self.manifest(led[1]), f"the manifest of {what}")
        digest = config_digest(manifest, what)
        return image_facts(self.blob(digest), digest, what, tuple(led))

    def root(self) -> bytes:
        """Return the manifest or index that the name means; its sum is compared if the name is a digest."""
        try:
            return self.manifest(self.reference.name)
        except RegistryError as error:
            if not (self.web.insecure and isinstance(error.__cause__, ssl.SSLError)):
                raise
            self.base = f"http://{self.reference.host}"
            return self.manifest(self.reference.name)

    def manifest(self, name: str) -> bytes:
        """Return the manifest or index of a tag or digest; ReadError if its sum is not the digest."""
        answer = self._get(f"manifests/{name}", ACCEPTED)
        return self._verified(json_body(answer, str(self.reference), urlsplit(self.base).netloc), name)

    def blob(self, digest: str, largest: int = LARGEST) -> bytes:
        """Return a blob of at most `largest` bytes; ReadError if it has more, or if its sum is not the digest."""
        return self._verified(self._get(f"blobs/{digest}", (), largest).body, digest)

    def tags(self) -> tuple[str, ...]:
        """Return tags of the repository, as many as the registry lists at once; empty if it lists none."""
        try:
            listed = document(self._get(f"tags/list?n={TAGS}", ()).body, "the tags").get("tags")
        except LabError:
            return ()
        return tuple(tag for tag in listed if isinstance(tag, str)) if isinstance(listed, list) else ()

    def _verified(self, data: bytes, digest: str) -> bytes:
        if digest.startswith("sha256:") and digest_of(data) != digest:
            raise ReadError(f"cannot read {self.reference}: the bytes from its registry do not match their digest")
        return data

    def _get(self, path: str, accept: Sequence[str], largest: int = LARGEST) -> Answer:
        url = f"{self.base}/v2/{self.reference.repository}/{path}"
        headers = {"Accept": ", ".join(accept)} if accept else {}
        answer = self._ask(url, headers, largest)
        if answer.status == 401:
            self._authorization = self._authorize(answer.headers.get("WWW-Authenticate", ""))
            answer = self._ask(url, headers, largest)
        if answer.status != 200:
            raise self._refusal(answer, path)
        return answer

    def _ask(self, url: str, headers: dict[str, str], largest: int = LARGEST) -> Answer:
        proof = {"Authorization": self._authorization} if self._authorization else {}
        return self.web.ask(url, {**proof, **headers}, largest=largest)

    @property
    def _found(self) -> Logins:
        """The logins for this registry, looked for once."""
        if self._logins is None:
            self._logins = find_login(self.reference, self.seconds)
        return self._logins

    def _authorize(self, challenge: str) -> str:
        """Return the Authorization that a 401 asks for: a token (anonymous or with the login), or the login itself."""
        kind, _, rest = challenge.partition(" ")
        parameters = dict(CHALLENGE.findall(rest))
        login = self._found.login
        if login and login.bearer:
            self._sent = login
            return f"Bearer {login.bearer}"
        if kind.lower() == "bearer" and "realm" in parameters:
            return f"Bearer {self._token(parameters, login)}"
        if login and login.user:
            self._sent = login
            return login.basic
        raise self._login_wanted()

    def _token(self, parameters: dict[str, str], login: Login | None) -> str:
        """Fetch a token: with a refresh token as OAuth2 has it, else with the login if there is one."""
        wanted = {"service": parameters.get("service", ""), "scope": f"repository:{self.reference.repository}:pull"}
        if login and self.base.startswith("https:") and not parameters["realm"].startswith("https:"):
            realm = parameters["realm"]
            raise RegistryError(
                f"cannot read {self.reference}: its registry wants the login at {shown(realm)}, which is not https"
            )
        self._sent = login
        if login and login.identity:
            refresh = {"grant_type": "refresh_token", "refresh_token": login.identity, "client_id": CLIENT}
            answer = self.web.ask(parameters["realm"], {}, form=urlencode({**wanted, **refresh}).encode())
        else:
            headers = {"Authorization": login.basic} if login else {}
            mark = "&" if urlsplit(parameters["realm"]).query else "?"
            answer = self.web.ask(f"{parameters['realm']}{mark}{urlencode(wanted)}", headers)
        if answer.status == 200:
            data = document(answer.body, f"the token for {self.reference}")
            token = data.get("token") or data.get("access_token")
            if isinstance(token, str) and not re.search(r"[\r\n]", token):
                return token
        raise self._refusal(answer, "token")

    def _refusal(self, answer: Answer, path: str) -> RegistryError:
        what = f"cannot read {self.reference}"
        if answer.status == 401 or (answer.status == 400 and path == "token"):
            return self._login_wanted()
        if answer.status == 403:
            return self._denied()
        if answer.status == 404:
            return MissingError(
                f"{what}: "
                + ("the registry has no such image" if path.startswith("manifests/") else "a part of it is missing"),
                hint="an image that was not pushed is in no registry; save it with `docker save` and name the file",
            )
        if answer.status == 429:
            return RegistryError(f"{what}: the registry received too many requests (status 429){answer.wait}")
        return RegistryError(f"{what}: the registry answers with status {answer.status}{answer.wait}")

    def _denied(self) -> RegistryError:
        """The error for a request that was forbidden: with a login, with a token for everyone, or with neither."""
        if self._sent:
            return self._with_login(f"does not let the login{_source(self._sent)} read it")
        if self._authorization:
            return self._login_wanted()
        return RegistryError(
            f"cannot read {self.reference}: the registry forbids it without asking for a login (status 403)",
            hint="docker too sends a login only where it is asked for one; a proxy or a filter may answer in its place",
        )

    def _login_wanted(self) -> RegistryError:
        """The error for a registry that wants a login, or another one; it names the places that were asked for one."""
        if self._sent:
            return self._with_login(f"rejects the login{_source(self._sent)}")
        login, asked = self._found.login, "; ".join(self._found.asked)
        if login:
            return self._with_login(f"wants a user and a password, which the login{_source(login)} does not have")
        return self._with_login("requires a login" + (f", and none was found: {asked}" if asked else ""))

    def _with_login(self, why: str) -> RegistryError:
        """The error of a registry that another login may open; it holds no secret."""
        hub = self.reference.registry == HUB
        return RegistryError(
            f"cannot read {self.reference}: the registry {why}",
            hint=f"docker login {'' if hub else self.reference.registry}".rstrip(),
        )


class MissingError(RegistryError):
    """A registry answers that it does not have the image, or a part of it."""


def _source(login: Login) -> str:
    return f" of {login.source}" if login.source else " that it was given"


def digest_of(data: bytes) -> str:
    """Return the digest of bytes, as in sha256:..."""
    return "sha256:" + sha256(data).hexdigest()


def read_named(name: str, platform: Platform, seconds: float) -> ImageFacts:
    """Read the config of an image from its registry; UsageError for no name, ReadError or RegistryError otherwise."""
    return Repository(parse(name), seconds=seconds).image(platform)


def read_image(name: str, registry: Registry) -> ImageFacts:
    """Read the config of an image; if that fails, the result has a `problem`, and predictions are then unknown."""
    try:
        return repository_of(name, registry, OF_A_RUN).image(Platform())
    except LabError as error:
        return ImageFacts(problem=error.message)


def repository_of(name: str, registry: Registry, seconds: float = SECONDS) -> Repository:
    """Return the repository of an image that a run uses: that of the lab's registry on loopback, or another one."""
    if registry.port is None or not name.startswith(f"{registry.prefix}/"):
        return Repository(parse(name), seconds=seconds)
    login = registry.credentials.login if registry.credentials else None
    return Repository(parse(name), login=login, seconds=seconds, port=registry.port)
