"""Which rules a box's engine follows, by its own name, its pin or its version; and what tells two boxes apart."""

from __future__ import annotations

from lab.contenthash.rules import Xattrs
from lab.results import BoxFacts
from lab.rulebook import Known, Rulebook, vary
from lab.scenarios import Facts

ALL = "all attributes"  # as BoxFacts.rules says it after a rule set's name
UNFIXED = "-unfixed"


def known_of(book: Rulebook, facts: BoxFacts) -> Known | None:
    """What is known of the engine of a box; None if neither its name, nor its pin, nor its version tells."""
    by_version = book.engine(facts.server)
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
            return known  # it also knows in which small matters the engine is not the set it is nearest to
    return Known(facts.engine, wanted, by_version.dialect if by_version else None, None)


def facts_of(book: Rulebook, consumer: BoxFacts, producer: BoxFacts) -> Facts:
    """What decides between a scenario's exceptions; an engine of which nothing is known has no bug and no dialect."""
    ours, theirs = known_of(book, consumer), known_of(book, producer)
    return Facts(
        consumer.server,
        producer.server,
        consumer_selinux=consumer.selinux != "off",
        producer_selinux=producer.selinux != "off",
        consumer_attributes=ours is not None and ours.rules.xattrs is Xattrs.ALL,
        producer_attributes=theirs is not None and theirs.rules.xattrs is Xattrs.ALL,
        other_records=bool(ours and theirs and _run_form(ours) != _run_form(theirs)),
    )


def _run_form(known: Known) -> tuple[bool, bool] | None:
    """What of an engine's way to write definitions shows in a RUN's record; None for one without inline cache."""
    return (known.dialect.stubs, known.dialect.selector) if known.dialect else None
