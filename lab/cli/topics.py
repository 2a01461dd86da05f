"""The verb that shows a page on one word: a rule set, a known bug, an exit code, a term, a cause, or a verb."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from lab.cli.options import json_option, print_json
from lab.cli.terminal import CANONICAL, as_called, echo, width
from lab.cli.values import Named
from lab.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from lab.report.topics import Topic, Topics

SCHEMA = 1
HEADS = {  # the kinds of page, and the heading of each in the list
    "rule set": "What engines hash (also a version, such as 26.1.5 or buildkit-0.13.2)",
    "known bug": "Known bugs (also by their issue, such as buildkit#1330)",
    "exit code": "Exit codes",
    "word": "Words",
    "cause": "Causes of a miss",
    "verb": "Verbs",
}


def topic_names() -> list[str]:
    """The names of all pages, for a shell that completes them and for the nearest one to a wrong name."""
    known = [*_topics().all(), *_verbs(inner=True)]
    return list(dict.fromkeys(name for topic in known for name in (topic.name, *topic.aliases)))


def _single_words() -> list[str]:
    return [name for name in topic_names() if " " not in name]


@click.command(name="help", epilog="Example: python -m lab help buildkit#1330")
@click.argument("words", nargs=-1, metavar="[TOPIC]...", type=Named(_single_words, files=False, listed=False))
@json_option
def help_(words: tuple[str, ...], as_json: bool) -> None:
    """Show the page on a topic: a rule set (R7), an engine's version, a known bug (its name, or its issue as in
    buildkit#1330), an exit code (exit-12), a word of lab's (trial), a cause, or a verb. Without TOPIC, list them.

    No network is needed.
    """
    name = " ".join(words)
    topics = _topics()
    if not name:
        _list([*topics.all(), *_verbs()], as_json=as_json)
        return
    found = [*topics.named(name), *(topic for topic in _verbs(inner=True) if topic.name == name.lower())]
    if not found:
        known = topic_names()
        raise UsageError(
            f'cannot find the topic "{name}"{did_you_mean(name, known)}', hint="`python -m lab help` lists the topics"
        )
    if as_json:
        print_json({"schema": SCHEMA, "topics": [_document(topic) for topic in found]})
    else:
        echo("\n\n".join(_page(topic) for topic in found))


def _topics() -> Topics:
    from lab.project import find, own_data
    from lab.report.topics import Topics

    return Topics(find().boxes, own_data())


def _verbs(*, inner: bool = False) -> list[Topic]:
    """A topic for each verb, with `inner` also for the verbs of verbs."""
    from lab.cli.verbs import VERBS
    from lab.report.topics import Topic

    found = [Topic(name, "verb", summary) for name, (_, summary) in VERBS.items()]
    if inner:
        from lab.cli.manual import pages

        found += [Topic(page.path, "verb", page.summary) for page in pages() if " " in page.path]
    return found


def _document(topic: Topic) -> dict[str, object]:
    document = asdict(topic)
    document["parts"] = [{"heading": heading, "lines": list(lines)} for heading, lines in topic.parts]
    if topic.kind == "verb":
        document["text"] = _help_of(topic.name)
    return document


def _page(topic: Topic) -> str:
    from lab.report.printable import filled

    if topic.kind == "verb":
        return _help_of(topic.name)
    most = width()
    title = topic.summary if topic.kind == "engine" else f"{topic.name}: {topic.summary}"
    lines = filled(title, "  ", first="", width=most)
    lines.append(f"  ({topic.kind})")
    for heading, texts in topic.parts:
        lines.append(f"{heading}:")
        lines += [line for text in texts for line in filled(as_called(text), "    ", first="  ", width=most)]
    if topic.see:
        lines.append(as_called(f"see also: {', '.join(f'`python -m lab help {name}`' for name in topic.see)}"))
    return "\n".join(lines)


def _help_of(path: str) -> str:
    """What --help prints of a verb."""
    from lab.cli.main import lab

    context = lab.context_class(lab, info_name=CANONICAL, **lab.context_settings)
    for word in path.split():
        command = context.command.get_command(context, word) if isinstance(context.command, click.Group) else None
        assert command is not None  # the path is one of `pages`
        context = command.context_class(command, info_name=word, parent=context, terminal_width=width())
    return context.get_help()


def _list(topics: list[Topic], *, as_json: bool) -> None:
    from lab.report.printable import filled

    if as_json:
        listed = [{"name": topic.name, "kind": topic.kind, "summary": topic.summary} for topic in topics]
        print_json({"schema": SCHEMA, "topics": listed})
        return
    most = width()
    lines: list[str] = []
    for kind, head in HEADS.items():
        chosen = [topic for topic in topics if topic.kind == kind]
        longest = max((len(topic.name) for topic in chosen), default=0)
        lines += [""] if lines else []
        lines += filled(f"{head}:", "", width=most)
        for topic in chosen:
            lines += filled(topic.summary, " " * (longest + 4), first=f"  {topic.name:<{longest}}  ", width=most)
    echo("\n".join(lines))
