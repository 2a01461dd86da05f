"""Logins from every place in which Docker and Podman look, with real helper programs; and what is said of each."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import RegistryError
from lab.registry.client import Repository
from lab.registry.logins import Login, find_login
from lab.registry.manifests import Platform
from lab.registry.names import parse
from tests.registry.serving import Server

SECRET = "s3cr3t-of-this-test"
HUB = "https://index.docker.io/v1/"


def auth(user: str = "me", password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write(path: Path, data: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def login(name: str, seconds: float = 30) -> tuple[Login | None, str]:
    found = find_login(parse(name), seconds)
    return found.login, "; ".join(found.asked)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of helpers that comes first in PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def helper(programs: Path, name: str, script: str) -> None:
    path = programs / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


ANSWER = f"""test "$1" = get || exit 9
read server || :
printf '{{"ServerURL":"%s","Username":"me","Secret":"{SECRET}"}}' "$server" """


# --- config files


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            {"auths": {HUB: {"auth": base64.b64encode(b"me:p:w").decode()}}},
            Login("me", "p:w"),
        ),
        ({"auths": {HUB: {}}, "credsStore": "none-such"}, None),
        ({"auths": {"ghcr.io": {"auth": "!!"}}}, None),
        ({"auths": []}, None),
        ([], None),
    ],
)
def test_logins_that_stand_plainly_in_dockers_config(home: Path, config: object, expected: Login | None) -> None:
    file = write(home / ".docker/config.json", config)
    found, _ = login("docker.io/library/a")
    assert found == (expected and replace(expected, source=str(file)))


@pytest.mark.parametrize(
    ("key", "image"),
    [
        (HUB, "alpine"),
        ("index.docker.io", "me/app"),
        ("docker.io", "me/app"),
        ("ghcr.io", "ghcr.io/me/app"),
        ("https://ghcr.io", "ghcr.io/me/app"),
        ("https://ghcr.io/v2/", "ghcr.io/me/app"),
        ("localhost:5000", "localhost:5000/app"),
    ],
)
def test_a_login_stands_in_dockers_config_under_any_form_of_the_registrys_name(
    home: Path, key: str, image: str
) -> None:
    file = write(home / ".docker" / "config.json", {"auths": {key: auth(password="p:w")}})
    assert login(image)[0] == Login("me", "p:w", source=str(file))
    assert login("quay.io/x") == (None, f"{file} has no login for quay.io")


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"username": "u", "password": "p"}, Login("u", "p")),
        ({**auth("u", ""), "identitytoken": "refresh"}, Login("u", "", identity="refresh")),
        ({"registrytoken": "bearer"}, Login("", "", bearer="bearer")),
        ({"auth": "!!"}, None),
        ({"auth": base64.b64encode(b"no colon").decode()}, None),
        ({}, None),
        (7, None),
    ],
)
def test_forms_of_an_entry(home: Path, entry: object, found: Login | None) -> None:
    file = write(home / ".docker" / "config.json", {"auths": {"ghcr.io": entry}})
    expected = found and Login(found.user, found.password, found.identity, found.bearer, str(file))
    assert login("ghcr.io/x")[0] == expected


def test_docker_config_names_the_folder_and_docker_auth_config_comes_first(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / ".docker" / "config.json", {"auths": {"ghcr.io": auth("of-home")}})
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "other"))
    assert login("ghcr.io/x") == (None, "")
    write(tmp_path / "other" / "config.json", {"auths": {"ghcr.io": auth("of-other")}})
    found, said = login("ghcr.io/x")
    assert found and found.user == "of-other" and str(tmp_path / "other") in said
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {"ghcr.io": auth("of-variable")}}))
    found, said = login("ghcr.io/x")
    assert found and (found.user, found.source) == ("of-variable", "DOCKER_AUTH_CONFIG")


def test_podmans_files_are_asked_after_dockers(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = write(home / ".config" / "containers" / "auth.json", {"auths": {"quay.io": auth("of-settings")}})
    assert (login("quay.io/x")[0] or Login("", "")).user == "of-settings"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    write(tmp_path / "run" / "containers" / "auth.json", {"auths": {"quay.io": auth("of-runtime")}})
    assert (login("quay.io/x")[0] or Login("", "")).user == "of-runtime"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(write(tmp_path / "named", {"auths": {"quay.io": auth("of-named")}})))
    assert (login("quay.io/x")[0] or Login("", "")).user == "of-named"
    docker = write(home / ".docker" / "config.json", {"auths": {}})
    assert login("quay.io/x")[1].startswith(f"{docker} has no login for quay.io; ")
    write(docker, {"auths": {"quay.io": auth("of-docker")}})
    assert (login("quay.io/x")[0] or Login("", "")).user == "of-docker"
    assert login("ghcr.io/x")[1].endswith(f"{last} has no login for ghcr.io")


def test_podman_has_logins_for_a_part_of_a_registry(home: Path) -> None:
    keys = {"quay.io": auth("all"), "quay.io/team": auth("team"), "quay.io/team/app": auth("app")}
    write(home / ".config" / "containers" / "auth.json", {"auths": {**keys, "docker.io/library/alpine": auth("hub")}})
    images = {"quay.io/team/app": "app", "quay.io/team/b": "team", "quay.io/teams/app": "all", "alpine:3": "hub"}
    assert {image: (login(image)[0] or Login("", "")).user for image in images} == images


def test_docker_takes_no_login_for_a_part_of_a_registry(home: Path) -> None:
    write(home / ".docker" / "config.json", {"auths": {"quay.io/team": auth()}})
    assert login("quay.io/team/app")[0] is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "[" * 100_000, '{"auths": 5, "credHelpers": 7, "credsStore": []}']
)
def test_a_config_that_cannot_be_used_is_no_login(home: Path, text: str) -> None:
    file = write(home / ".docker" / "config.json", text)
    found, said = login("ghcr.io/x")
    assert found is None and said.startswith(str(file))


def test_a_config_that_cannot_be_read_is_said(home: Path) -> None:
    (home / ".docker" / "config.json").mkdir(parents=True)
    assert login("ghcr.io/x") == (None, f"{home}/.docker/config.json cannot be read: Is a directory")


# --- helpers


@pytest.mark.parametrize(
    ("config", "image", "server"),
    [
        ({"credsStore": "test"}, "ghcr.io/x", "ghcr.io"),
        ({"credsStore": "test"}, "alpine", HUB),
        ({"credHelpers": {"ghcr.io": "test"}, "credsStore": "none"}, "ghcr.io/x", "ghcr.io"),
        ({"credHelpers": {HUB: "test"}}, "alpine", HUB),
        ({"credHelpers": {"localhost:5000": "test"}}, "localhost:5000/x", "localhost:5000"),
    ],
)
def test_a_helper_is_asked_as_docker_asks_it(
    home: Path, programs: Path, tmp_path: Path, config: object, image: str, server: str
) -> None:
    helper(programs, "test", f"tee {tmp_path}/asked | ({ANSWER})")
    file = write(home / ".docker" / "config.json", config)
    found, said = login(image)
    assert found == Login("me", SECRET, source=f"docker-credential-test, which {file} names")
    assert (tmp_path / "asked").read_text() == server
    assert said == f"docker-credential-test, which {file} names, has a login for {server}"


def test_a_helper_may_have_an_identity_token(home: Path, programs: Path) -> None:
    helper(programs, "test", f"""echo '{{"Username": "<token>", "Secret": "{SECRET}"}}'""")
    write(home / ".docker" / "config.json", {"credsStore": "test"})
    found, _ = login("ghcr.io/x")
    assert found and (found.user, found.password, found.identity) == ("", "", SECRET)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo credentials not found in native keychain; exit 1", "has no login for ghcr.io"),
        ("echo no session with the cloud; exit 1", "ends with status 1: no session with the cloud"),
        (f"""echo '{{"Secret": "{SECRET}"}}'; exit 3""", "ends with status 3"),
        (f"echo the Secret is {SECRET}; exit 1", "ends with status 1"),
        ("echo nonsense", "answers in a form that Docker does not accept"),
        ("echo '{}'", "answers in a form that Docker does not accept"),
        ("kill -9 $$", "ends with status 137"),
    ],
)
def test_a_helper_that_gives_no_login_is_described_without_its_secret(
    home: Path, programs: Path, script: str, said: str
) -> None:
    helper(programs, "test", script)
    file = write(home / ".docker" / "config.json", {"credHelpers": {"ghcr.io": "test"}, "auths": {"ghcr.io": auth()}})
    # Docker does not look into `auths` where a helper is named
    assert login("ghcr.io/x") == (None, f"docker-credential-test, which {file} names, {said}")


def test_a_helper_that_is_missing_or_hangs(home: Path, programs: Path) -> None:
    file = write(home / ".docker" / "config.json", {"credsStore": "gone"})
    assert login("ghcr.io/x") == (None, f"docker-credential-gone, which {file} names, is not installed")
    helper(programs, "slow", "exec sleep 600")
    write(file, {"credsStore": "slow"})
    assert login("ghcr.io/x", 0.5)[1] == f"docker-credential-slow, which {file} names, does not answer within 0.5 s"


@pytest.mark.parametrize("name", ["../../bin/sh", "a b", "-x", "x;id", "$(id)"])
def test_only_the_name_of_a_program_is_run(home: Path, name: str) -> None:
    write(home / ".docker" / "config.json", {"credsStore": name})
    assert "which is no name of a program" in login("ghcr.io/x")[1]


def test_podman_looks_into_its_file_when_the_helper_has_nothing(home: Path, programs: Path) -> None:
    helper(programs, "test", "echo credentials not found; exit 1")
    write(
        home / ".config" / "containers" / "auth.json",
        {"credHelpers": {"quay.io": "test"}, "auths": {"quay.io": auth()}},
    )
    assert (login("quay.io/x")[0] or Login("", "")).user == "me"


# --- with a registry


def image(server: Server) -> str | None:
    return Repository(parse(server.name), seconds=30).image(Platform()).cache


def test_a_helpers_login_opens_a_registry(server: Server, home: Path, programs: Path) -> None:
    helper(programs, "test", ANSWER)
    write(home / ".docker" / "config.json", {"credsStore": "test"})
    server.wanted, server.challenge = Login("me", SECRET).basic, 'Basic realm="x"'
    assert image(server) == "W10="


def test_a_helper_is_not_run_for_a_registry_that_asks_for_no_login(
    server: Server, home: Path, programs: Path, tmp_path: Path
) -> None:
    helper(programs, "test", f"touch {tmp_path}/ran")
    write(home / ".docker" / "config.json", {"credsStore": "test"})
    assert image(server) == "W10=" and not (tmp_path / "ran").exists()


def test_an_identity_token_is_exchanged_by_a_form_and_never_stands_in_an_address(server: Server, home: Path) -> None:
    entry = {"identitytoken": SECRET}
    write(home / ".docker" / "config.json", {"auths": {f"localhost:{server.port}": entry}})
    server.wanted = "Bearer t"
    server.challenge = f'Bearer realm="http://localhost:{server.port}/token",service="s"'
    server.answers["/token"] = (200, {}, b'{"access_token": "t"}')
    assert image(server) == "W10="
    [form] = server.posted
    assert set(form.decode().split("&")) == {
        "service=s",
        "scope=repository%3Ax%3Apull",
        "grant_type=refresh_token",
        f"refresh_token={SECRET}",
        "client_id=docker-cache-lab",
    }
    assert not [path for path, _ in server.seen if SECRET in path]


@pytest.mark.parametrize("status", [400, 401])
def test_an_identity_token_that_has_expired_is_a_rejected_login(server: Server, home: Path, status: int) -> None:
    file = write(home / ".docker" / "config.json", {"auths": {f"localhost:{server.port}": {"identitytoken": SECRET}}})
    server.wanted, server.challenge = "Bearer t", f'Bearer realm="http://localhost:{server.port}/token"'
    server.answers["/token"] = (status, {}, b'{"error": "invalid_grant"}')
    with pytest.raises(RegistryError, match=f"the registry rejects the login of {file}$"):
        image(server)


def test_a_registry_token_is_the_proof_itself(server: Server, home: Path) -> None:
    write(home / ".docker" / "config.json", {"auths": {f"localhost:{server.port}": {"registrytoken": SECRET}}})
    server.wanted, server.challenge = f"Bearer {SECRET}", 'Bearer realm="http://localhost:1/token"'
    assert image(server) == "W10="


def test_a_refused_login_says_which_helper_had_it_and_never_the_secret(
    server: Server, home: Path, programs: Path
) -> None:
    helper(programs, "test", ANSWER)
    file = write(home / ".docker" / "config.json", {"credsStore": "test"})
    server.wanted, server.challenge = "other", 'Basic realm="x"'
    with pytest.raises(RegistryError) as error:
        image(server)
    assert error.value.message.endswith(f"rejects the login of docker-credential-test, which {file} names")
    assert SECRET not in f"{error.value.message}{error.value.hint}"


def test_a_login_without_the_right_to_read(server: Server, home: Path) -> None:
    file = write(home / ".docker" / "config.json", {"auths": {f"localhost:{server.port}": auth()}})
    server.wanted, server.challenge = Login("me", SECRET).basic, 'Basic realm="x"'
    server.answers["/v2/x/manifests/latest"] = (403, {}, b"{}")
    with pytest.raises(RegistryError, match=f"does not let the login of {file} read it"):
        image(server)


def test_a_login_that_was_not_sent_is_not_blamed(server: Server, home: Path) -> None:
    """A registry that asks for no login gets none, from Docker neither."""
    write(home / ".docker" / "config.json", {"auths": {f"localhost:{server.port}": auth()}})
    server.answers["/v2/x/manifests/latest"] = (403, {}, b"{}")
    with pytest.raises(RegistryError, match=r"forbids it without asking for a login \(status 403\)$") as error:
        image(server)
    assert [proof for _, proof in server.seen] == [None]
    assert "docker login" not in (error.value.hint or "")


def test_a_token_for_everyone_that_does_not_suffice(server: Server, home: Path) -> None:
    server.wanted, server.challenge = "Bearer t", f'Bearer realm="http://localhost:{server.port}/token"'
    server.answers["/token"] = (200, {}, b'{"token": "t"}')
    server.answers["/v2/x/manifests/latest"] = (403, {}, b"{}")
    with pytest.raises(RegistryError, match="the registry requires a login"):
        image(server)


def test_an_identity_token_is_no_answer_to_a_registry_that_wants_a_password(server: Server, home: Path) -> None:
    file = write(home / ".docker" / "config.json", {"auths": {f"localhost:{server.port}": {"identitytoken": SECRET}}})
    server.wanted, server.challenge = "no", 'Basic realm="x"'
    with pytest.raises(RegistryError, match=f"wants a user and a password, which the login of {file} does not have$"):
        image(server)
    assert [proof for _, proof in server.seen] == [None]


def test_a_wanted_login_says_where_none_was_found(server: Server, home: Path) -> None:
    file = write(home / ".docker" / "config.json", {"credHelpers": {f"localhost:{server.port}": "gone"}})
    server.wanted, server.challenge = "other", 'Basic realm="x"'
    with pytest.raises(RegistryError) as error:
        image(server)
    said = f"requires a login, and none was found: docker-credential-gone, which {file} names, is not installed"
    assert error.value.message.endswith(said)
    assert error.value.hint == f"docker login localhost:{server.port}"
