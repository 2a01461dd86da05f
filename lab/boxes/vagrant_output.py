"""What Vagrant and a machine's console print: the lines that hold the reason of a failure, and an address."""

from __future__ import annotations

import json
import re
import shlex

from lab.boxes.address import Address
from lab.boxes.vagrant_spec import Image
from lab.counting import whole_number
from lab.errors import BoxError

SHORT = 7  # lines of each if both Vagrant and the console printed something
PROGRESS = re.compile(r"^(==> | {4}\S+: |Bringing machine )")
CALLER = re.compile(r"^\s+from \S+:\d+:in ")  # a line of the callers that Ruby lists below an error
# Vagrant's text if it neither has an image nor gets it, and the reason that follows
NO_BOX = re.compile(r"in the remote catalog|while downloading the remote file")
# Two machines that are destroyed at once both remove their network, and it is gone for one of them. The domain is
# removed before.
NETWORK_GONE = re.compile(r"^Error while removing network .*Network not found", re.M)
# vagrant-libvirt's texts for what libvirt refused while a machine was made. Two Vagrants side by side both see that the
# network is missing, both make it, and libvirt refuses the second one.
REFUSED = re.compile(
    r"^(?:Error (?:occurred )?while (?:creating|activating|uploading|connecting to|setting up autostart)"
    r"|There was error while creating Libvirt storage pool|There was an error talking to Libvirt"
    r"|Failed to start domain|Call to vir\w+ failed)",
    re.M,
)
UPLOADED = "Creating image (snapshot of base box volume)"  # vagrant-libvirt's next step once the base image is whole
NO_BOX_WHY = re.compile(
    r"^(?:Error: |curl: \(\d+\) )?((?:Could not resolve|Failed to connect|The requested URL).*)$", re.M
)


def adding(image: Image, provider: str) -> str:
    """The command that gives Vagrant an image from a file; only a catalog entry can name the version."""
    if image.version is None:
        return f"vagrant box add --name {image.box} FILE"
    versions = [{"version": image.version, "providers": [{"name": provider, "url": "FILE"}]}]
    entry = json.dumps({"name": image.box, "versions": versions})
    return f"echo {shlex.quote(entry)} > box.json && vagrant box add box.json"


def not_fetched(name: str, image: Image, provider: str, printed: str) -> BoxError:
    """The error for an image that Vagrant could not get, from what it printed."""
    why = NO_BOX_WHY.search(printed)
    of = f" {image.version}" if image.version else ""
    return BoxError(
        f"cannot bring up {name}: Vagrant Cloud did not give its box {image.box}{of} for {provider}"
        + (f": {why[1].strip()}" if why else ""),
        output=printed,
        hint="`python -m lab up --lineup debian` needs nothing from there; an image you have as a file is added by "
        f"`{adding(image, provider)}`",
    )


def verdict_and_console(printed: str, console: str) -> str:
    """Vagrant's output after its progress lines and the end of the console: either may hold the reason.

    The callers that Ruby lists below an error of its own are left out: they would hide it.
    """
    lines = [line for line in printed.splitlines() if line.strip() and not CALLER.match(line)]
    if not console.strip():
        return "\n".join(lines)
    verdict = lines[next((n for n in range(len(lines), 0, -1) if PROGRESS.match(lines[n - 1])), 0) :]
    seen = [line for line in console.splitlines() if line.strip()]
    return "\n".join([*(verdict[:SHORT] or lines[-SHORT:]), *seen[-SHORT:]])


def address_of(ssh_config: str) -> Address:
    """Host, port, user and key from what `vagrant ssh-config` prints; BoxError if one of them is missing."""
    words = [line.split(None, 1) for line in ssh_config.splitlines()]
    pairs = {pair[0]: pair[1].strip().removeprefix('"').removesuffix('"') for pair in words if len(pair) == 2}
    port = whole_number(pairs.get("Port", ""))
    missing = [name for name in ("HostName", "User", "IdentityFile") if name not in pairs]
    missing += ["Port"] if port is None else []
    if port is None or missing:
        raise BoxError(
            f"cannot read the address of a machine: Vagrant states no {', '.join(missing)}", output=ssh_config
        )
    return Address(host=pairs["HostName"], port=port, user=pairs["User"], key=pairs["IdentityFile"])
