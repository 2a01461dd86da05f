"""The certificates that a TLS connection to a registry trusts and shows, from the folders of Docker and Podman."""

from __future__ import annotations

import ssl
from pathlib import Path

from lab.errors import HostError, LabError, reason
from lab.project import home_folder

SYSTEM = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"))
OF_USER = (".config/docker/certs.d", ".config/containers/certs.d")  # rootless Docker's and Podman's


def context_for(host: str, *, insecure: bool = False) -> ssl.SSLContext:
    """Return the TLS settings for `HOST` or `HOST:PORT`: the system's authorities, and the files in certs.d/HOST.

    `*.crt` is an authority to trust; `*.cert` with the `*.key` of the same name is shown to the registry. `insecure`
    checks no certificate. Raises HostError, with the file's name, for a file that cannot be used.
    """
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for folder in (folder / host for folder in _folders()):
        for path in sorted(folder.glob("*")) if folder.is_dir() else ():
            try:
                if path.suffix == ".crt":
                    context.load_verify_locations(path)
                elif path.suffix == ".cert":
                    context.load_cert_chain(path, path.with_suffix(".key"))
            except (OSError, ValueError) as error:  # an SSLError is an OSError
                raise HostError(f"cannot use the certificate {path}: {reason(error)}") from error
    return context


def _folders() -> list[Path]:
    try:
        home = home_folder()
    except LabError:
        return list(SYSTEM)
    return [*SYSTEM, *(home / name for name in OF_USER)]
