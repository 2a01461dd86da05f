"""Which rules a box's engine follows, by its own name, its pin or its version."""

from __future__ import annotations

from lab.buildkit.contenthash.rules import Xattrs
from lab.buildkit.rulebook import Known, Rulebook, vary
from lab.results.facts import BoxFacts
from lab.versions import meets

ALL = "all attributes"  # as BoxFacts.rules has it after a rule set's name
UNFIXED = "-unfixed"
# The builders whose client walks the context itself, and its versions that do so as before BuildKit 0.10. Docker's own
# client is that of 20.10 and older; a newer one calls buildx. A classic builder is not known in this.
BY_NAME = {"buildkit": "<23", "buildctl": "<0.10"}


def known_of(book: Rulebook, facts: BoxFacts) -> Known | None:
    """What is known of the engine of a box; None if its name, its pin and its version are all unknown.

    The rules are those of BuildKit: nothing is known of a classic builder's cache.
    """
    if facts.builder == "classic":
        return None
    standalone = "" if facts.is_docker else "buildkit-"
    by_version = book.engine(f"{standalone}{facts.server}")
    by_name = book.engine(facts.engine) if UNFIXED in facts.engine else None
    name, _, more = (facts.rules or "").partition(", ")
    if name not in book.rule_sets:
        if by_name or not facts.server.endswith(UNFIXED):
            return by_name or by_version
        name, more = (by_version.rules.name if by_version else ""), ALL
        if not name:
            return None
    wanted = vary(book.rule_sets[name], xattrs=Xattrs.ALL if more == ALL else None)
    for known in (by_name, by_version):
        if known and (known.rules.name.partition("+")[0], known.rules.xattrs) == (name, wanted.xattrs):
            return known  # it also has the details in which the engine differs from its rule set
    if by_version and by_version.rules.name == name:  # with the details of its version
        wanted = vary(by_version.rules, xattrs=Xattrs.ALL if more == ALL else None)
    return Known(facts.engine, wanted, by_version.dialect if by_version else None, None)


def walks_by_name(facts: BoxFacts) -> bool:
    """True if the client of a box leaves out what .dockerignore names as clients before BuildKit 0.10 did.

    Checked with the clients of Docker 20.10.5, 20.10.24, 26.1.5 and 28.5.2; read from the source for buildctl.
    """
    return facts.builder in BY_NAME and meets(facts.client, BY_NAME[facts.builder])
