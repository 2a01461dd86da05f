"""The user name and the random password of lab's own registry: new for each registry, and of no use after it.

The password gets to an engine's client in a file of its settings, which is written through the standard input of a
command. So it stands in no argument list, in no environment and in no transcript.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field

from lab.registry.logins import Login

USER = "lab"
BYTES = 24  # of randomness
# The lowest cost of bcrypt. A higher cost delays an attacker who guesses passwords that people choose; a password with
# 192 random bits cannot be guessed, and the registry computes one hash for each request.
COST = 4


@dataclass(frozen=True, slots=True)
class Credentials:
    """The login of one registry; its text never shows the password."""

    user: str
    password: str = field(repr=False)

    @classmethod
    def random(cls) -> Credentials:
        """Make credentials that nobody knows yet."""
        return cls(USER, secrets.token_urlsafe(BYTES))

    @property
    def login(self) -> Login:
        """The login with which lab itself asks the registry."""
        return Login(self.user, self.password, source="this run")

    def htpasswd(self) -> str:
        """The line of the registry's file of users, which has a hash and no password."""
        import bcrypt  # late: only a registry of lab's own needs it

        return f"{self.user}:{bcrypt.hashpw(self.password.encode(), bcrypt.gensalt(COST)).decode()}\n"

    def client_config(self, host: str) -> bytes:
        """The content of a client's config.json with the login for the registry at `HOST:PORT`."""
        return json.dumps({"auths": {host: {"auth": self._encoded}}}).encode()

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """The forms of the password that no record may show."""
        return self.password.encode(), self._encoded.encode()

    @property
    def _encoded(self) -> str:
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
