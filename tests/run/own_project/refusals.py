"""Dockerfiles that every engine refuses before its first step, and others that some frontend accepts."""

from __future__ import annotations

from typing import NamedTuple

BEGIN = "FROM scratch\n"
FEW = "requires at least two arguments, but only one was provided. Destination could not be determined"
NAME = "name can't start with a number or contain symbols"
JSON = "when using JSON array syntax, arrays must be comprised of strings only"


class Refused(NamedTuple):
    """A Dockerfile, the place of what is wrong, and the words that Docker 26.1.5 and lab have for it.

    `target` is the target of the build. `crashes` states that the daemons of 20.10.24 and 26.1.5 end with a panic.
    """

    text: str
    line: int
    column: int
    why: str
    target: str | None = None
    crashes: bool = False


REFUSED = (
    Refused("# only\n\n", 1, 1, "file with no instructions"),
    Refused("ARG A\n", 1, 1, "it has no FROM", crashes=True),
    Refused("# c\n  RUN a\n", 2, 3, "no build stage in current context"),
    Refused("RUN a\nFROM scratch\n", 1, 1, "no build stage in current context"),
    Refused("FRM scratch\nRUN a\n", 1, 1, "unknown instruction: FRM"),
    Refused("FROM\nCOPY a /\n", 1, 1, "FROM requires either one or three arguments"),
    Refused(f"{BEGIN}COPY a /\n\nFROM x y\n", 4, 1, "FROM requires either one or three arguments"),
    Refused("FROM scratch AS 1a\nCOPY a /\n", 1, 17, f'invalid name for build stage: "1a", {NAME}'),
    Refused(f"{BEGIN}FROM --platfrom=x scratch\nCOPY a /\n", 2, 6, "unknown flag: platfrom"),
    Refused(f"{BEGIN}COPY a\n", 2, 1, f"COPY {FEW}"),
    Refused(f"{BEGIN}COPY --from=x a\n", 2, 1, f"COPY {FEW}"),
    Refused(f'{BEGIN}ADD ["a"]\n', 2, 1, f"ADD {FEW}"),
    Refused(f"{BEGIN}\nCPY a /\n", 3, 1, "unknown instruction: CPY"),
    Refused("FROM scratch AS t\nCOPY a /\nFROM scratch\nCPY a /\n", 4, 1, "unknown instruction: CPY", target="t"),
    Refused(f"# c\n{BEGIN}COPY \\\n  --chwon=1 a /\n", 4, 3, "unknown flag: chwon"),
    Refused(f"{BEGIN}ADD --from=x a /\n", 2, 5, "unknown flag: from"),
    Refused(f"{BEGIN}RUN --mont=type=cache x\n", 2, 5, "unknown flag: mont"),
    Refused(f"{BEGIN}ENV --x=1\n", 2, 5, "unknown flag: x"),
    Refused(f"{BEGIN}HEALTHCHECK --x=1 CMD a\n", 2, 13, "unknown flag: x"),
    Refused(f"{BEGIN}COPY --chown a /\n", 2, 6, "missing a value on flag: chown"),
    Refused(f"{BEGIN}COPY --link=foo a /\n", 2, 6, "expecting boolean value for flag link, not: foo"),
    Refused(f"{BEGIN}COPY a /\nRUN <<EOF\nx\n", 3, 5, "unterminated heredoc"),
    Refused(f"{BEGIN}COPY <<EOF /a\nx\n", 2, 6, "unterminated heredoc"),
    Refused(f"{BEGIN}RUN [1]\n", 2, 5, JSON),
    Refused(f"{BEGIN}CMD [1]\n", 2, 5, JSON),
    Refused(f"{BEGIN}ENV A\n", 2, 1, "ENV must have two arguments"),
    Refused(f"{BEGIN}ENV A=1 B\n", 2, 9, 'Syntax error - can\'t find = in "B". Must be of the form: name=value'),
    Refused(f"{BEGIN}LABEL =1\n", 2, 1, "LABEL names can not be blank"),
    Refused(f"{BEGIN}ARG =1\n", 2, 1, "ARG names can not be blank"),
    Refused(f"{BEGIN}ENV\n", 2, 1, "ENV requires at least one argument"),
    Refused(f"{BEGIN}USER\n", 2, 1, "USER requires exactly one argument"),
    Refused(f"{BEGIN}VOLUME []\n", 2, 1, "VOLUME requires at least one argument"),
    Refused(f'{BEGIN}VOLUME [""]\n', 2, 1, "VOLUME specified can not be an empty string"),
    Refused(f"{BEGIN}SHELL a\n", 2, 1, "SHELL requires the arguments to be in JSON form"),
    Refused(f"{BEGIN}ONBUILD FROM x\n", 2, 1, "FROM isn't allowed as an ONBUILD trigger"),
    Refused(f"{BEGIN}ONBUILD ONBUILD RUN x\n", 2, 1, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
    Refused(f"{BEGIN}HEALTHCHECK FOO\n", 2, 13, 'Unknown type "FOO" in HEALTHCHECK (try CMD)'),
    Refused(f"{BEGIN}HEALTHCHECK CMD\n", 2, 13, "Missing command after HEALTHCHECK CMD"),
    Refused(f"{BEGIN}HEALTHCHECK NONE x\n", 2, 18, "HEALTHCHECK NONE takes no arguments"),
    Refused("# escape=a\nFROM scratch\n", 1, 10, "invalid escape token 'a' does not match ` or \\"),
)
# Each is accepted by one of the two engines at least, or by a frontend that neither of them has.
LEFT_TO_THE_ENGINE = (
    f"{BEGIN}COPY --link a /\n",
    f"{BEGIN}HEALTHCHECK --start-interval=1s CMD a\nCOPY a /\n",
    f"{BEGIN}LABEL a b c\nENV d e f\nARG G H\nCOPY a /\n",
    f"{BEGIN}ONBUILD FRM x\nCMD\nENTRYPOINT\nHEALTHCHECK none\nCOPY a /\n",
    f"{BEGIN}COPY a /\\\n",
    f"{BEGIN}USER a b\nCOPY --from= a /\n",
    f"{BEGIN}WORKDIR a b\nCOPY a /\n",
)
UNKNOWN_TO_BOTH = (
    f"{BEGIN}COPY --parents a /\n",
    f"# syntax=docker/dockerfile:1.7-labs\n{BEGIN}COPY --exclude=x a /\n",
    f"# syntax=example.org/frontend\n{BEGIN}CPY a /\nRUN x\n",
)
