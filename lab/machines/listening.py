"""Where a server of this machine listens, and the addresses by which others reach it."""

from __future__ import annotations

import ipaddress
import socket

from lab.errors import HostError

LOOPBACK = "127.0.0.1"
MOST_CONNECTIONS = 512


def open_socket(address: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 takes a free one. HostError if that is not possible."""
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(found[4][:2], family=found[0], backlog=MOST_CONNECTIONS)
    except OSError as error:
        raise HostError(
            f"cannot listen at {address} port {port}: {error.strerror or error}",
            hint="--port 0 takes a free port; --listen takes an address of this machine, or 0.0.0.0 for all",
        ) from error


def is_every_address(listen: str) -> bool:
    """True for 0.0.0.0 and ::, which stand for all addresses of this machine; False for a name or one address."""
    try:
        return ipaddress.ip_address(listen).is_unspecified
    except ValueError:
        return False


def network_addresses(listen: str) -> list[str]:
    """This machine's addresses in its networks, without loopback; those of IPv6 too if `listen` is of IPv6."""
    import psutil  # here, since each verb that has these options imports this module

    families = (socket.AF_INET,) if ":" not in listen else (socket.AF_INET, socket.AF_INET6)
    found = [item.address for items in psutil.net_if_addrs().values() for item in items if item.family in families]
    return [word for word in found if "%" not in word and not ipaddress.ip_address(word).is_loopback]


def bracketed(address: str) -> str:
    """The address as a URL has it: one of IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address
