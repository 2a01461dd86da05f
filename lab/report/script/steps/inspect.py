"""A look into the image: whether one path is as the sequence states, and whether that agrees with the run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import JsonValue

from lab.report.script import shell
from lab.report.script.steps.kind import Side
from lab.results.sequence import SequenceStep

LOOK_DOCKER = r"""
look_docker() { # image, path
    container=$(engine create "$1" true) || fail "the image $1 cannot be read"
    member=${2##*/}
    engine cp "$container:$2" - >"$here/look.tar" 2>/dev/null || : >"$here/look.tar"
    engine rm "$container" >/dev/null
}
"""
LOOK_BUILDCTL = r"""
look_buildctl() { # image, path
    mkdir -p "$here/look"
    printf 'FROM %s\n' "$1" >"$here/look/Dockerfile"
    member=${2#/}
    env "$BUILDCTL" build --frontend dockerfile.v0 --local context="$here/look" --local dockerfile="$here/look" \
        --output "type=tar,dest=$here/look.tar" >"$here/look.log" 2>&1 || fail "the image $1 cannot be read"
}
"""
INSPECT = r"""
listed() { # archive, member: its line of tar's list, with octal mode and owner
    tar --numeric-owner -tvf "$1" -- "$2" 2>/dev/null | awk '
    NR == 1 {
        bits = 0
        for (place = 2; place <= 10; place++) {
            letter = substr($1, place, 1)
            bits = bits * 2 + (letter != "-" && letter != "S" && letter != "T")
        }
        special = 0
        if (substr($1, 4, 1) ~ /[sS]/) special += 4
        if (substr($1, 7, 1) ~ /[sS]/) special += 2
        if (substr($1, 10, 1) ~ /[tT]/) special += 1
        owner = $2
        sub(/\//, ":", owner)
        printf "%o%03o %s\n", special, bits, owner
    }'
}

digest_of() { # archive, member
    tar -xOf "$1" -- "$2" | sha256sum | cut -d " " -f 1
}

holds() { # condition, value: whether the object of the image is so
    case $1 in
    there) if [ "$2" = yes ]; then [ -n "$found" ]; else [ -z "$found" ]; fi ;;
    mode) [ "${found%% *}" = "$2" ] ;;
    owner) [ "${found#* }" = "$2" ] ;;
    sum) [ -n "$found" ] && [ "$(digest_of "$here/look.tar" "$member")" = "$2" ] ;;
    like)
        if [ ! -e "$2" ] && [ ! -h "$2" ]; then
            [ -z "$found" ]
            return
        fi
        tar -cf "$here/like.tar" -- "$2"
        model=$(listed "$here/like.tar" "$2")
        [ -n "$found" ] && [ "${found%% *}" = "${model%% *}" ] || return 1
        if [ -f "$2" ] && [ ! -h "$2" ]; then
            [ "$(digest_of "$here/look.tar" "$member")" = "$(digest_of "$here/like.tar" "$2")" ]
        fi
        ;;
    esac
}

inspect() { # path, what the run found, then conditions with their values
    found=$(listed "$here/look.tar" "$member")
    path=$1
    wanted=$2
    shift 2
    seen=right
    while [ "$#" -gt 0 ]; do
        holds "$1" "$2" || seen=wrong
        shift 2
    done
    compare "$wanted" "$seen" "the image at $path"
}
"""


class InspectLines:
    """The path is read out of a container that never starts; with buildctl, out of an archive of the image."""

    by_hand = None
    functions = MappingProxyType({"look_docker": LOOK_DOCKER, "look_buildctl": LOOK_BUILDCTL, "inspect": INSPECT})

    def lines(self, step: SequenceStep, side: Side) -> list[str]:
        """One line, if the run looked in this trial."""
        only = step.values.get("only")
        if isinstance(only, list) and only and side.variation not in only:
            return []
        looked = next(side.inspections, None)
        for verb in ("create", "cp", "rm"):
            side.queue.take(lambda found, verb=verb: found.verb == verb)  # type: ignore[misc]
        if looked is None:
            return []
        reference = side.images[str(step.values.get("image", "image"))]
        path, verdict = shell.word(looked.path), "wrong" if looked.problems else "right"
        return [
            *side.writes(),
            f"look_{side.host.client} {side.words.of(reference)} {path}",
            " ".join(["inspect", path, verdict, *map(shell.word, _conditions(step.values))]),
        ]


def _conditions(values: Mapping[str, JsonValue]) -> list[str]:
    """The conditions of the step with their values, as the script takes them."""
    if like := values.get("like"):
        return ["like", f"./{like}"]
    if values.get("there") is False:
        return ["there", "no"]
    found = []
    if mode := values.get("mode"):
        found += ["mode", f"{int(str(mode), 8):04o}"]
    if owner := values.get("owner"):
        found += ["owner", str(owner)]
    if (text := values.get("text")) is not None:
        found += ["sum", hashlib.sha256(str(text).encode()).hexdigest()]
    return found or ["there", "yes"]
