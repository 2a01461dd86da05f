"""Which host keys a connection accepts, and why one failed, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paramiko import AutoAddPolicy, BadHostKeyException
from paramiko.ssh_exception import IncompatiblePeer, NoValidConnectionsError

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
    if str(error) in SILENT:
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


def at_log_in(connection: Any, error: BaseException) -> bool:
    """True if the login failed: the connection was open and the host's key was right, so the user or the key is wrong.

    paramiko has one exception for a refusal, a slow answer and a broken connection, and several for a key file.
    """
    transport = connection.client.get_transport()
    stood = transport is not None and transport.is_active() and transport.initial_kex_done
    return stood and not isinstance(error, (BadHostKeyException, UnknownHost)) and str(error) not in ("", SLOW)


def unreachable(name: str, known_hosts: Path, error: BaseException) -> BoxError:
    """The error for a host that cannot be reached or trusted; `known_hosts` has its key from the first `up`."""
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
