"""Registries with TLS: a certificate of an own authority, from the folders in which Docker and Podman look."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.errors import HostError, RegistryError
from lab.registry.certificates import context_for
from lab.registry.client import Repository
from lab.registry.manifests import Platform
from lab.registry.names import Reference
from tests.registry.serving import Server, serving


@dataclass
class Secured:
    """A registry that speaks TLS, its name, and the file of its certificate."""

    server: Server
    host: str
    certificate: Path

    def read(self) -> str | None:
        repository = Repository(Reference(self.host, "x", "latest"), seconds=30)
        repository.base = f"https://{self.host}"  # plain HTTP is the rule for a registry on loopback
        return repository.image(Platform()).cache


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost, signed by itself, and its key."""
    folder = tmp_path_factory.mktemp("pair")
    crt, key = folder / "a.crt", folder / "a.key"
    about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*made, "-keyout", key, "-out", crt, *about], check=True, capture_output=True)
    return crt, key


@pytest.fixture
def secured(pair: tuple[Path, Path]) -> Iterator[Secured]:
    with serving() as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
        yield Secured(server, f"localhost:{server.port}", pair[0])


def test_a_certificate_that_nobody_knows_is_refused_with_the_place_for_it(secured: Secured) -> None:
    with pytest.raises(RegistryError, match=f"no secure connection to {secured.host}: .*certificate") as error:
        secured.read()
    assert error.value.hint and f"/etc/docker/certs.d/{secured.host}/ca.crt" in error.value.hint


@pytest.mark.parametrize("folder", [".config/docker/certs.d", ".config/containers/certs.d"])
def test_an_authority_in_certs_d_is_trusted_for_its_host_alone(secured: Secured, home: Path, folder: str) -> None:
    place = home / folder / secured.host
    place.mkdir(parents=True)
    (place / "ca.crt").write_bytes(secured.certificate.read_bytes())
    assert secured.read() == "W10="
    place.rename(place.with_name("localhost:1"))
    with pytest.raises(RegistryError, match="no secure connection"):
        secured.read()


def trusted(secured: Secured, home: Path) -> Secured:
    place = home / ".config" / "docker" / "certs.d" / secured.host
    place.mkdir(parents=True)
    (place / "ca.crt").write_bytes(secured.certificate.read_bytes())
    return secured


def test_a_secure_registry_may_not_lead_to_a_plain_one(secured: Secured, home: Path, server: Server) -> None:
    target = f"http://localhost:{server.port}/v2/x/manifests/latest"
    secured.server.answers["/v2/x/manifests/latest"] = (307, {"Location": target}, b"")
    with pytest.raises(RegistryError, match=f"its registry redirects from https to {target}"):
        trusted(secured, home).read()
    assert server.seen == []


def test_a_login_is_sent_to_no_plain_address(
    secured: Secured, home: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    realm = f"http://localhost:{server.port}/token"
    secured.server.wanted, secured.server.challenge = "Bearer x", f'Bearer realm="{realm}",service="s"'
    login = json.dumps({"auths": {secured.host: {"auth": "bWU6c2VjcmV0"}}})
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", login)
    with pytest.raises(RegistryError, match=f"its registry wants the login at {realm}, which is not https"):
        trusted(secured, home).read()
    assert server.seen == []


def insecure(host: str) -> str | None:
    """The cache of an image whose registry is marked as insecure; BuildKit then tries TLS first, on loopback too."""
    return Repository(Reference(host, "x", "latest"), seconds=30, insecure=True).image(Platform()).cache


def test_an_insecure_registry_needs_no_certificate(secured: Secured) -> None:
    assert insecure(secured.host) == "W10="


def test_an_insecure_registry_may_speak_plain_http(server: Server) -> None:
    assert insecure(f"localhost:{server.port}") == "W10="


def test_a_client_certificate_is_loaded_with_its_key(home: Path, pair: tuple[Path, Path]) -> None:
    place = home / ".config" / "docker" / "certs.d" / "example.org"
    place.mkdir(parents=True)
    (place / "client.cert").write_bytes(pair[0].read_bytes())
    with pytest.raises(HostError, match=r"cannot use the certificate .*client\.cert: No such file"):
        context_for("example.org")
    (place / "client.key").write_bytes(pair[1].read_bytes())
    assert context_for("example.org").verify_mode is ssl.CERT_REQUIRED


def test_a_file_that_is_no_certificate_is_named(home: Path) -> None:
    place = home / ".config" / "docker" / "certs.d" / "example.org"
    place.mkdir(parents=True)
    (place / "ca.crt").write_text("nonsense")
    with pytest.raises(HostError, match=r"cannot use the certificate .*ca\.crt: "):
        context_for("example.org")
