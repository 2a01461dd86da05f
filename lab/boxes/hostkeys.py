"""Which host keys a connection accepts, and why one failed, in words."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from paramiko import AutoAddPolicy, BadHostKeyException, HostKeys, PKey
from paramiko.ssh_exception import IncompatiblePeer, NoValidConnectionsError

from lab.boxes.address import Address
from lab.boxes.known_hosts import Keys, keys_of, name_of
from lab.errors import BoxError, reason

FINAL = (BadHostKeyException, IncompatiblePeer)  # a host that will not answer otherwise if it is asked again
SLOW = "Authentication timeout."  # paramiko's text
# paramiko's texts for a host that accepts the connection and sends nothing in time
SILENT = ("No existing session", "Error reading SSH protocol banner")


def why(error: BaseException) -> str:
    """The reason in words; paramiko's error for several addresses has no text of the system, each address has one."""
    if isinstance(error, NoValidConnectionsError):
        each = {f"{reason(item)} ({host} port {port})" for (host, port), item in error.errors.items()}
        return ", ".join(sorted(each))
    if str(error).startswith(SILENT):
        return "it accepts connections and does not answer"
    name = getattr(error, "filename", None)
    return f"{reason(error)}: {name}" if name else reason(error)


class UnknownHost(ConnectionError):
    """No key of this host is stored, and only `bring_up` stores one."""


class SameKey:
    """paramiko's policy for a new address: a machine may get another address, but not another key."""

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        """Accept a host whose key is stored under another address; BadHostKeyException or UnknownHost otherwise."""
        remembered = [known for keys in client.get_host_keys().values() for known in keys.values()]
        if key in remembered:
            AutoAddPolicy().missing_host_key(client, hostname, key)
        elif remembered:
            raise BadHostKeyException(hostname, key, remembered[0])
        else:
            raise UnknownHost(f"no host key is remembered for {hostname}")


class RevokedKey(BadHostKeyException):  # type: ignore[misc]  # paramiko has no types
    """The user's own file revokes the key that the host has shown."""


class UsersKey:
    """paramiko's policy for a host that lab has not reached yet: a key that the user's file has for it is the only one.

    A host that the file does not know may have any key that the file does not revoke.
    """

    def __init__(self, keys: Keys) -> None:
        self._revoked = keys.revoked
        self._known = {key for _, key in keys.known}

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        """Accept a key; RevokedKey or BadHostKeyException for one that the file forbids."""
        if key.asbytes() in self._revoked:
            raise RevokedKey(hostname, key, key)
        if self._known and key.asbytes() not in self._known:
            raise BadHostKeyException(hostname, key, key)
        AutoAddPolicy().missing_host_key(client, hostname, key)


def load_users(client: Any, path: Path | None, address: Address) -> None:
    """Let a client refuse a host whose key differs from those that the user's own file has for it, or is revoked there.

    Without a file, or with one that cannot be read, the client knows no host from there.
    """
    name = name_of(address.host, address.port)
    keys = keys_of(path, name)
    client.set_missing_host_key_policy(UsersKey(keys))
    usable = [(kind, key) for kind, text in keys.known if (key := _key(kind, text)) and text not in keys.revoked]
    if len({kind for kind, _ in usable}) == len(usable):  # paramiko compares with one key of a type only
        for kind, key in usable:
            client.get_host_keys().add(name, kind, key)  # and asks the host for a key of this type


def _key(kind: str, text: bytes) -> Any:
    """The key as paramiko has it; None for a type that it does not know, and for a damaged one."""
    try:
        return PKey.from_type_string(kind, text)
    except Exception:  # the library raises whatever a damaged number leads to; the key counts as one that differs
        return None


def store_key(connection: Any, path: Path) -> None:
    """Store the key of a host that was just reached, unless the file has one: the user's own file may have known it."""
    if path.stat().st_size:
        return
    key = connection.transport.get_remote_server_key()
    keys = HostKeys()
    keys.add(name_of(connection.host, connection.port), key.get_name(), key)
    keys.save(str(path))


def fingerprints(path: Path) -> list[str]:
    """The fingerprints of the keys in a file of known hosts, as ssh-keygen prints them."""
    keys = HostKeys(str(path))
    return [known.fingerprint for entry in keys.values() for known in entry.values()]


def at_log_in(connection: Any, error: BaseException) -> bool:
    """True if the login failed: the connection was open and the host's key was right, so the user or the key is wrong.

    paramiko has one exception for a refusal, a slow answer and a broken connection, and several for a key file.
    """
    transport = connection.client.get_transport()
    stood = transport is not None and transport.is_active() and transport.initial_kex_done
    return stood and not isinstance(error, (BadHostKeyException, UnknownHost)) and str(error) not in ("", SLOW)


def unreachable(name: str, known_hosts: Path, error: BaseException, users: Path | None = None) -> BoxError:
    """The error for a host that cannot be reached or trusted; `known_hosts` has its key from the first `up`.

    `users` is the user's own file of known hosts, where that counts at the first `up`.
    """
    stored = known_hosts.exists() and known_hosts.stat().st_size > 0
    if isinstance(error, RevokedKey):
        return BoxError(
            f"cannot trust {name}: its host key is revoked in {users}",
            hint=f"whoever looks after that host must give it another key; then `python -m lab up {name}`",
        )
    if isinstance(error, BadHostKeyException) and users and not stored:
        return BoxError(
            f"cannot trust {name}: its host key is not the one in {users}",
            hint=f"if you know why, run `ssh-keygen -R {error.hostname}`, and then `python -m lab up {name}`",
        )
    if isinstance(error, BadHostKeyException):
        return BoxError(
            f"cannot trust {name}: its host key is not the one remembered at its first `up`",
            hint=f"if you know why, remove {known_hosts} and run `python -m lab up {name}`",
        )
    if isinstance(error, IncompatiblePeer):
        return BoxError(
            f"cannot reach {name}: its ssh server and lab have no algorithm in common: {why(error)}",
            hint="OpenSSH before 7.2 signs with an RSA key only by SHA-1, which lab does not accept: give the host "
            "an ECDSA or ed25519 host key, or a newer OpenSSH",
        )
    return BoxError(f"cannot reach {name}: {why(error)}", hint=f"python -m lab up {name}")


def log_in_hint(name: str, address: Address) -> str:
    """The hint for a refused login: where user and key are configured, and the command that tests them."""
    tried = f"`key: {address.key}`" if address.key else "that it names no `key` (ssh-agent's and ~/.ssh's are tried)"
    return f"look at `user: {address.user}` and {tried} in boxes/{name}.yaml; {_test(address)}"


def address_hint(name: str, address: Address) -> str:
    """The hint for a host that does not answer: where its address is configured, and the command that tests it."""
    return f"look at `host: {address.host}` and `port: {address.port}` in boxes/{name}.yaml; {_test(address)}"


def _test(address: Address) -> str:
    key = ["-i", address.key] if address.key else []
    command = shlex.join(["ssh", *key, "-p", str(address.port), f"{address.user}@{address.host}"])
    return f"`{command}` must work without a question"
