"""Values of the command line and of a build's options: sizes, versions, secrets in texts, logins."""

from __future__ import annotations

import base64
import json
import os
from unittest.mock import patch

from lab.errors import LabError
from lab.explain import build_values
from lab.registry.logins import find_login
from lab.registry.names import parse
from lab.report.markup import code, prose
from lab.report.redactor import Redactor
from lab.run.builders.buildctl import in_bytes
from lab.versions import covers, meets, natural, numbers, titled
from tests.fuzz.damage import as_bytes, as_json
from tests.fuzz.recorded import texts
from tests.fuzz.target import Target
from tests.vectors import BOOK


def read_sizes(data: bytes) -> object:
    """Read a size, a limit and a host, each as docker has them."""
    text = data.decode("utf-8", "replace")
    found: list[object] = []
    for read in (
        lambda: build_values.size(text),
        lambda: in_bytes(text),
        lambda: build_values.ulimits([text]),
        lambda: build_values.host_names([text]),
        lambda: build_values.build_args([text], {}),
        lambda: build_values.build_contexts([text]),
    ):
        try:
            found.append(read())
        except LabError as error:
            found.append(error)
    return found


def read_versions(data: bytes) -> object:
    """Read a version of an engine, and look up its rules."""
    text = data.decode("utf-8", "replace")
    found = [numbers(text), titled(text), sorted([natural(text), natural("20.10.24")]), meets(text, "<19.03.13")]
    return found, covers("1.2", "3.4", numbers(text) or ()), BOOK.engine(text), BOOK.engine(f"buildkit-{text}")


def redact_text(data: bytes) -> object:
    """Replace the secrets in a text, and write it as Markdown."""
    text = data.decode("utf-8", "surrogateescape")
    shown = Redactor({"/home/me": "me"}, {"me": "[user-1]"}).text(text)
    return code(shown), prose(shown)


def read_login(data: bytes) -> object:
    """Look for a login in a config of docker."""
    text = data.decode("utf-8", "surrogateescape").replace("\0", "")
    # an environment variable is what this parser reads, and it has no other door
    with patch.dict(os.environ, {"DOCKER_AUTH_CONFIG": text, "HOME": "/nonexistent", "DOCKER_CONFIG": "/nonexistent"}):
        return find_login(parse("localhost:5000/app"), 5)


LOGINS = json.dumps(
    {
        "auths": {"localhost:5000": {"auth": base64.b64encode(b"me:secret").decode(), "identitytoken": ""}},
        "credHelpers": {"other:5000": "none"},
    }
)
TARGETS = (
    Target("sizes", read_sizes, texts("64m", "1.5GiB", "nofile=1:2", "host:1.2.3.4", "a=b"), as_bytes, examples=60),
    Target(
        "versions", read_versions, texts("20.10.24+dfsg1", "v0.13.2", "26.1.5-as-R3", "bk-0.12"), as_bytes, examples=80
    ),
    Target(
        "secrets",
        redact_text,
        texts(
            "docker login -u me -p secret https://me:secret@host/x Authorization: Bearer abcdefgh\n",
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\nENV PASSWORD=x\n10.0.0.1 fe80::1\n",
            f'{{"auth": "{base64.b64encode(b"me:secret" * 4).decode()}"}} /home/me/x C:\\Users\\me\\y a@b.example\n',
        ),
        as_bytes,
        (b"password=", b"://", b"@", b" login ", b"-----BEGIN PRIVATE KEY-----", b"curl -u ", b"token: ", b"/home/"),
        examples=120,
    ),
    Target("login", read_login, texts(LOGINS), as_json, (b"auths", b"auth", b"credsStore", b"username"), examples=80),
)
