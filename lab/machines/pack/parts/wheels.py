"""The part `wheels`: lab's own wheel and those of everything that it needs, so that pip needs no index.

pip makes and downloads them. For another version of Python it only downloads: what has no wheel for it is an error.
"""

from __future__ import annotations

import json
import shutil
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lab import __version__
from lab.boxes.base import Result
from lab.errors import CommandError, HostError
from lab.machines.pack.gathering import Item, Request
from lab.machines.pack.manifest import FOLDERS, Sort
from lab.model import Progress
from lab.project import own_data

PROJECT = "docker-cache-lab"
SECONDS = 1800
# The time that stands in the files of a wheel made here: the same sources then give the same bytes.
EPOCH = "315532800"


def gather(request: Request) -> list[Item]:
    """The wheels for this Python and for the others that are asked for.

    Raises HostError if lab's own sources are not on this machine, CommandError with pip's last lines if it fails.
    """
    source = own_source()
    folder = request.staging / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    request.tell(Progress("wheels", f"making and downloading those of Python {_here()}"))
    _check(request, "wheel", "--wheel-dir", str(folder), str(source))
    for version in request.pythons:
        if version == _here():
            continue
        request.tell(Progress("wheels", f"downloading those of Python {version}"))
        wanted = ("--only-binary", ":all:", "--python-version", version, "--find-links", str(folder))
        _check(request, "download", *wanted, "--dest", str(folder), f"{PROJECT}=={__version__}")
    return [
        Item(path, f"{FOLDERS[Sort.WHEEL]}/{path.name}", Sort.WHEEL, path.name.split("-")[0])
        for path in sorted(folder.glob("*.whl"))
    ]


def _here() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _check(request: Request, verb: str, *words: str) -> Result:
    argv = [sys.executable, "-m", "pip", verb, "--quiet", "--disable-pip-version-check", *words]
    result = request.shell.run(argv, env={"SOURCE_DATE_EPOCH": EPOCH}, timeout=SECONDS)
    if b"No module named pip" in result.stderr:
        raise HostError(
            f"cannot make wheels: the Python of lab, {sys.executable}, has no pip",
            hint="install pip there, or `python -m lab pack --without wheels`",
        )
    if not result.ok:
        raise CommandError(
            f"cannot make wheels: {result.why_failed('pip')}",
            hint="`python -m lab pack --without wheels` makes a pack without them",
            output=result.output,
        )
    return result


def own_source() -> Path:
    """What pip can make lab's own wheel of: the checkout, or the file from which lab was installed."""
    checkout = own_data()
    if (checkout / "setup.cfg").is_file():
        return checkout
    try:
        text = metadata.distribution(PROJECT).read_text("direct_url.json") or "{}"
        path = Path(unquote(urlsplit(json.loads(text).get("url", "")).path))
    except (metadata.PackageNotFoundError, ValueError, AttributeError, TypeError, RecursionError):
        path = Path()
    if (path.suffix == ".whl" and path.is_file()) or (path / "setup.cfg").is_file():
        return path
    raise HostError(
        "cannot make lab's own wheel: lab was installed from a wheel that is no longer on this machine",
        hint="run lab from a checkout, or `python -m lab pack --without wheels`",
    )
