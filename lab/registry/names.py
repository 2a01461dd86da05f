"""Names of images in Docker's notation: registry, repository, and tag or digest."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.errors import UsageError
from lab.registry.masking import shown

HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"
_PATH = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?"
REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_PATH}(?:/{_PATH})*)(?::(?P<tag>[\w][\w.-]{{0,127}}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """One image in a registry; `name` is the digest if the reference has one, or else the tag."""

    registry: str
    repository: str
    name: str

    @property
    def host(self) -> str:
        """The host of the registry, with its port if there is one."""
        return HUB_HOST if self.registry == HUB else self.registry

    @property
    def plain_http(self) -> bool:
        """True for a registry on this machine, which Docker accesses without TLS."""
        host = self.host.rpartition(":")[0] if re.search(r":\d+$", self.host) else self.host
        return host == "localhost" or host.startswith("127.") or host == "[::1]"

    def __str__(self) -> str:
        mark = "@" if self.name.startswith("sha256:") else ":"
        return f"{self.registry}/{self.repository}{mark}{self.name}"


def parse(text: str) -> Reference:
    """Read an image's name; the defaults are docker.io and `latest`. UsageError if the text is not a name."""
    text = text.removeprefix("docker://")
    first, slash, _ = text.partition("/")
    hosted = bool(slash) and (bool(re.search(r"[.:]", first)) or first == "localhost")
    match = REFERENCE.fullmatch(text if hosted else f"{HUB}/{text}")
    if match is None:
        raise UsageError(
            f'cannot read "{shown(text)}" as an image\'s name', hint="write it as user/app:tag or localhost:5000/app"
        )
    registry = HUB if match["host"] in ("index.docker.io", HUB_HOST) else match["host"]
    path = match["path"]
    if registry == HUB and "/" not in path:
        path = f"library/{path}"
    return Reference(registry, path, match["digest"] or match["tag"] or "latest")


def check_image(text: str) -> None:
    """Raise UsageError for what no Dockerfile can name after FROM."""
    if "://" in text:
        raise UsageError(
            f'cannot use "{shown(text)}" as an image\'s name', hint="write it without ://, as user/app:tag"
        )
    parse(text)


def check_prefix(text: str) -> None:
    """Raise UsageError for what the name of no image can begin with, such as http://HOST."""
    try:
        check_image(f"{text.rstrip('/')}/app")
    except UsageError:
        raise UsageError(
            f'cannot use the registry "{shown(text)}"',
            hint="write it as docker.io/USER or HOST:PORT/USER, without http://",
        ) from None


def is_local(text: str) -> bool:
    """True for the name of an image in a registry on localhost; False for any other text."""
    try:
        return parse(text).plain_http
    except UsageError:
        return False


DOCKER_HUB = ("registry-1.docker.io", 443)
