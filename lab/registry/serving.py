"""Whether lab's own registry serves on a loopback port, and the settings with which it starts."""

from __future__ import annotations

import http.client
import json

from lab.boxes.process import Child
from lab.errors import RegistryError
from lab.registry.credentials import Credentials
from lab.registry.ports import kind_of, listens
from lab.workers import wait_for

SECONDS = 20
LOOK_SECONDS = 0.02  # between two looks at whether it serves, which it does after a twentieth of a second
ANOTHER = "run the same command again, or name a registry of your own with --registry HOST/USER"
CONFIG = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
http:
  addr: 127.0.0.1:{port}
auth:
  htpasswd: {{realm: lab, path: {users}}}
"""


def settings(root: str, port: int, users: str) -> str:
    """Return the registry's settings: the folder of its data, its loopback port, and its file of users."""
    # quoted: the path of a checkout may contain what YAML reads as syntax
    return CONFIG.format(root=json.dumps(root), port=port, users=json.dumps(users))


def status(port: int, credentials: Credentials | None) -> int | str:
    """Return the status with which the registry on that loopback port answers its user, or why it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/v2/", headers=proof(credentials))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()


def proof(credentials: Credentials | None) -> dict[str, str]:
    """Return the header that shows a registry who asks."""
    return {"Authorization": credentials.login.basic} if credentials else {}


def wait_until_it_serves(port: int, child: Child | None, credentials: Credentials | None) -> None:
    """Wait until the registry accepts its user; RegistryError if its program ends, or after SECONDS."""

    def look() -> bool | str:
        if child is not None and not child.alive():
            printed = child.output()
            raise kind_of(printed)("cannot start the registry: it ended at once", hint=ANOTHER, output=printed)
        found = status(port, credentials)
        if isinstance(found, str):
            return found
        if found == 200 and child is not None and not listens(child.pid, port):
            return "another program answers on its port"  # the registry itself ends a moment later
        return True if found == 200 else f"status {found} instead of 200"

    log = child.output if child else str
    wait_for("the registry", look, timeout=SECONDS, every=LOOK_SECONDS, error=RegistryError, hint=ANOTHER, detail=log)
