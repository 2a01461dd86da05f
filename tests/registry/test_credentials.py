"""The password of lab's own registry: random, never in a text, and in the form that a client's settings have."""

from __future__ import annotations

import base64
import json

import bcrypt

from lab.registry.credentials import Credentials
from lab.registry.server import Registry


def test_every_registry_has_another_password() -> None:
    passwords = {Credentials.random().password for _ in range(50)}
    assert len(passwords) == 50
    assert all(len(password) >= 32 for password in passwords)  # 24 bytes in base64


def test_no_text_of_it_shows_the_password() -> None:
    made = Credentials.random()
    registry = Registry("localhost:5000", "docker-registry", 5000, credentials=made)
    for text in (repr(made), str(made), repr(registry), repr(made.login), made.htpasswd()):
        assert made.password not in text
        assert not any(secret.decode() in text for secret in made.secrets)


def test_the_registrys_file_of_users_has_a_hash_of_it() -> None:
    made = Credentials.random()
    user, _, hashed = made.htpasswd().strip().partition(":")
    assert user == made.user
    assert bcrypt.checkpw(made.password.encode(), hashed.encode())
    assert not bcrypt.checkpw(b"another", hashed.encode())


def test_a_clients_settings_have_the_login_of_this_registry_alone() -> None:
    made = Credentials("lab", "p:w")
    settings = json.loads(made.client_config("localhost:5007"))
    assert settings == {"auths": {"localhost:5007": {"auth": base64.b64encode(b"lab:p:w").decode()}}}
    assert Registry("docker.io/me", "external").client_config is None
