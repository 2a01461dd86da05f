"""Axes of how a build is called and written: arguments, variables, network, platform, and the image it begins with."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from lab.counting import whole_number
from lab.explain.build_values import flag
from lab.run.client_login import logged_in
from lab.run.station import Station
from lab.run.vary.axis import Axis, NotHereError, Scene, Variant, changes
from lab.run.vary.dockerfiles import argument_of, swapped_env, with_base

UNUSED = "LAB_VARY"
PULL_SECONDS = 300


def _argument(scene: Scene) -> Variant:
    found = argument_of(scene.parsed)
    if found is None:
        what = f"--build-arg {UNUSED}=1, which no ARG declares"
        return Variant(what, changes({"argument": {UNUSED: "1"}}))
    name, default = found
    old = scene.arguments.get(name, default)
    number = whole_number(old)
    new = f"{old}-lab" if number is None else str(number + 1)
    return Variant(f"--build-arg {name}={new}", changes({"argument": {name: new}}))


def _proxy(scene: Scene) -> Variant:
    new = "http://proxy.example:3128"
    return Variant(f"--build-arg http_proxy={new}", changes({"argument": {"http_proxy": new}}))


def _variables(scene: Scene) -> Variant:
    found = swapped_env(scene.text, scene.parsed)
    if found is None:
        raise NotHereError("the Dockerfile has no two variables in a row whose order does not matter")
    return Variant(found[1], dockerfile=found[0])


def _network(scene: Scene) -> Variant:
    old = flag("network", scene.flags) or "default"
    new = "host" if old != "host" else "none"
    return Variant(f"--network={new}", changes({"flag": [f"--network={new}"]}))


def _platform(scene: Scene) -> Variant:
    here = flag("platform", scene.flags) or "/".join(scene.platform)
    new = "linux/arm64" if not here.startswith("linux/arm64") else "linux/amd64"
    return Variant(f"--platform={new}", changes({"flag": [f"--platform={new}"]}))


def _retagged(scene: Scene) -> Variant:
    base, new = _base(scene), f"{scene.prefix}/lab-vary-base:retagged"

    def make(station: Station) -> None:
        doing = "give the base image another tag"
        with logged_in(station.box, station.registry) as env:
            for words in (["pull", base], ["tag", base, new], ["push", new]):
                station.box.check(station.engine.call(words, env), env=env, doing=doing, timeout=PULL_SECONDS)

    return _other_base(scene, new, "the same base image under another tag", make)


def _imported(scene: Scene) -> Variant:
    base, new = _base(scene), f"{scene.prefix}/lab-vary-base:imported"

    def make(station: Station) -> None:
        with logged_in(station.box, station.registry) as env:
            docker = shlex.join(station.engine.call([], env))
            script = (
                f"set -e; {docker} pull -q {shlex.quote(base)}; made=$({docker} create {shlex.quote(base)} /lab)\n"
                f"config=$({docker} inspect --format "
                '\'{{range .Config.Env}}{{println "ENV" .}}{{end}}\' "$made")\n'
                'set --; while IFS= read -r line; do test -z "$line" || set -- "$@" --change "$line"; done <<END\n'
                "$config\nEND\n"
                f'{docker} export "$made" | {docker} import "$@" - {new}; {docker} rm "$made"; {docker} push {new}'
            )
            station.box.check(["sh", "-c", script], env=env, doing="import the base image again", timeout=PULL_SECONDS)

    return _other_base(scene, new, "the base image after docker export and docker import", make)


def _base(scene: Scene) -> str:
    if scene.base is None:
        raise NotHereError("the Dockerfile begins with no image")
    return scene.base


def _other_base(scene: Scene, new: str, what: str, make: Callable[[Station], None]) -> Variant:
    text = with_base(scene.text, scene.parsed, _base(scene), new)
    if text is None:
        raise NotHereError("the name of the base image is not written after FROM as it is")
    return Variant(what, dockerfile=text, images=make, named=(new,))


BUILDING = (
    Axis("build-arg", "another value of a build argument", _argument),
    Axis("proxy", "a proxy in the build arguments", _proxy),
    Axis("env-order", "two variables in another order", _variables),
    Axis("network", "another network mode", _network),
    Axis("platform", "another platform", _platform),
    Axis("base-retagged", "the base image under another tag", _retagged, family="base"),
    Axis("base-reimported", "the base image exported and imported again", _imported, family="base"),
)
