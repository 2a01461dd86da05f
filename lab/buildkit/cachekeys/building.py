"""Turns the instructions of stages into operations and steps, as the Dockerfile frontend does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lab.buildkit.cachekeys.copying import Copy, pivot, read_copy
from lab.buildkit.cachekeys.definition import Definition, merge_definition
from lab.buildkit.cachekeys.fileops import (
    FileOperation,
    Part,
    copy_operation,
    destination,
    document_operation,
    joined_request,
    source_path,
    workdir_operation,
)
from lab.buildkit.cachekeys.frontend import NEW, OLD
from lab.buildkit.cachekeys.graph import Input
from lab.buildkit.cachekeys.instruction import Instruction, json_words
from lab.buildkit.cachekeys.pairs import pairs_of
from lab.buildkit.cachekeys.remote import remote_source
from lab.buildkit.cachekeys.running import RunBuilder
from lab.buildkit.cachekeys.stage_steps import StageSteps
from lab.buildkit.cachekeys.stages import Origin
from lab.buildkit.cachekeys.state import Expander
from lab.buildkit.cachekeys.triggers import triggers_of
from lab.buildkit.cachekeys.words import WordError


class StageBuilder(StageSteps):
    """Builds the operations of one stage, one instruction after another."""

    def run(self) -> None:
        """Build the triggers of what the stage is based on, then its own instructions."""
        origin = self.shop.stages.origin(self.number)
        texts = self.state.onbuild
        if isinstance(origin, Origin) and origin.stage is not None:
            texts = self.shop.stages.triggers(origin.stage)
        self.state.onbuild = ()
        for item in triggers_of(texts, self.shop.stages.frontend):
            if self.shop.stages.frontend.generations != (NEW,) and list(self.shop.stages.sources(self.number, item)):
                item = replace(item, strange="this frontend cannot copy from elsewhere in a trigger (ONBUILD)")
            self.trigger = True
            self.one(item)
        self.trigger = False
        for item in self.shop.stages.dockerfile.stages[self.number].instructions:
            self.one(item)

    def one(self, item: Instruction) -> None:
        """Build one instruction."""
        if item.word == "RUN":
            RunBuilder(self, item).build()
        elif item.word in ("COPY", "ADD"):
            self._copy(item)
        elif item.word == "WORKDIR":
            self._workdir(item)
        elif item.word == "ENV":
            self._env(item)
        elif item.word == "ARG":
            self._arg(item)
        elif item.word == "USER":
            try:
                self.state.user, self.state.user_unclear = self.expand(item.rest), None
            except WordError as error:
                self.state.user_unclear = self.noted(error)
        elif item.word == "SHELL":
            words = json_words(item.rest)
            self.state.shell, self.state.shell_unclear = tuple(words or ()), None if words else "SHELL is not a list"
        else:
            self._expand_only(item)

    def _expand_only(self, item: Instruction) -> None:
        """Expand the words of an instruction that is no part of any key, for a malformed one makes the build fail."""
        words: Sequence[str] = ()
        if item.word == "LABEL":
            pairs = pairs_of(item, self.shop.stages.dockerfile.escape)
            words = [word for pair in pairs for word in pair if word]
        elif item.word in ("EXPOSE", "STOPSIGNAL", "VOLUME"):
            words = json_words(item.rest) or item.rest.split()
        for word in words:
            try:
                self.expand(word)
            except WordError as error:
                self.noted(error)

    def _env(self, item: Instruction) -> None:
        expand, found = Expander(self.shop.stages.lexer, self.state.env.copy()), []
        for raw, value in pairs_of(item, self.shop.stages.dockerfile.escape):
            name = raw
            try:
                name = expand(raw)
                found.append((name, expand(value or "")))
            except WordError as error:
                why = self.noted(error)
                self.state.env.poison(name, why)
                self.state.image_env.poison(name, why)
        self.state.set_env(found)

    def _arg(self, item: Instruction) -> None:
        stages, new = self.shop.stages, self.shop.stages.frontend.generations == (NEW,)
        before = Expander(stages.lexer, self.state.env.copy())
        for raw, default in pairs_of(item, stages.dockerfile.escape):
            name = raw
            try:
                name = raw if new else before(raw)
                value = stages.options.build_args.get(name)
                if value is None and default is not None:
                    value = (self.expand if new else before)(default)
                elif value is None and name in stages.arguments and (new or name not in stages.bare):
                    value = stages.arguments.get(name)
            except WordError as error:
                self.state.env.poison(name, self.noted(error))
                continue
            if value is not None:
                self.state.env.put(name, value)

    def _workdir(self, item: Instruction) -> None:
        state, dialect = self.state, self.shop.dialect
        try:
            path = self.expand(item.rest)
        except WordError as error:
            state.folder_unclear, path = self.noted(error), "/?"
        else:
            if path.startswith("/"):
                state.folder_unclear = None
            path = state.enter(path, keeps=OLD not in self.shop.stages.frontend.generations)
            if path == "/" and not state.folder_unclear:
                return
        why = self.why_unclear(item) or state.folder_unclear or state.user_unclear or self.shop.stages.epoch_unclear
        base = state.vertex
        if why or dialect is None:
            made = FileOperation(why or "", () if base is None else (Input(base),), ["workdir", item.original])
        else:
            made = workdir_operation(path, state.user, base, dialect, self.shop.stages.epoch)
        vertex = self.shop.graph.operation(made.definition, made.inputs, made.identity)
        self.step(item, (vertex,))

    def _copy(self, item: Instruction) -> None:
        copy = replace(read_copy(item, self.expand, self.shop.stages.frontend), asked=self.shop.asked)
        why = self.why_unclear(item) or copy.unclear
        dest = destination(copy.dest, self.state.folder, self.shop.stages.frontend)
        if not copy.dest.startswith("/"):
            why = why or self.state.folder_unclear
        if dest is None:
            why = why or f"engines resolve the destination {copy.dest} in different ways"
        merges = self._merges(copy)
        why = why or (merges if isinstance(merges, str) else None)
        base = None if merges is True else self.state.vertex
        if merges is True and copy.chown and any(not name.isdigit() for name in copy.chown.split(":")):
            why = why or "--link has no stage in which the owner's name could be looked up, so the build fails"
        parts = self._parts(item, copy)
        if isinstance(parts, str):
            why, parts = why or parts, []
        dialect = self.shop.dialect
        if why or dialect is None or not parts:
            made = FileOperation(why or "it has no source", self._inputs(base, parts), ["copy", item.original])
        else:
            made = copy_operation(copy, parts, base, dest or "/", dialect, self.shop.stages.frontend)
        made, no_content = self._with_content(made)
        vertex = self.shop.graph.operation(made.definition, made.inputs, made.identity, ignored=self.ignored)
        vertices = self._linked(vertex) if merges is True else (vertex,)
        self.step(item, vertices, copy=copy, no_content=no_content)

    def _inputs(self, base: int | None, parts: list[Part]) -> tuple[Input, ...]:
        """Return the inputs of a COPY whose definition is not known."""
        found = [] if base is None else [Input(base)]
        sources = dict.fromkeys(part.vertex for part in parts if part.vertex not in (None, base))
        requests = {vertex: joined_request(vertex, parts) for vertex in sources if vertex is not None}
        found += [Input(vertex, "?", hashed=True, request=request) for vertex, request in requests.items()]
        return tuple(found)

    def _merges(self, copy: Copy) -> bool | str:
        """True if --link makes a layer of its own that is merged; a reason if that is not known."""
        if not copy.link or copy.symbolic or copy.chmod is not None:
            return False
        if self.shop.stages.options.merges is None:
            return (
                "how --link is built depends on the engine's image store, which is not known: Docker 24 and later can "
                "have either, and 28.5.2+containerd is the name of a 28.5.2 with containerd's"
            )
        return self.shop.stages.options.merges

    def _linked(self, vertex: int) -> tuple[int, ...]:
        """Return the copy and the merge of its layer with those before it; an empty stage needs no merge."""
        if self.state.vertex is None:
            return (vertex,)
        dialect = self.shop.dialect
        definition: Definition | str = "it is not known how this engine merges layers"
        if dialect and dialect.zeros is not None:
            definition = merge_definition(2, dialect)
        inputs = (Input(self.state.vertex), Input(vertex))
        return vertex, self.shop.graph.operation(definition, inputs, ["merge"], ignored=self.ignored)

    def _parts(self, item: Instruction, copy: Copy) -> list[Part] | str:
        """Return the sources of a COPY, or the reason why what they are is not known."""
        origin = self.shop.stages.source(copy.origin, numbers=True) if copy.origin else None
        if isinstance(origin, str):
            return origin
        if origin and (later := self.later(copy.origin, origin)):
            return later
        found: list[Part] = []
        for source in copy.sources:
            request = replace(copy, sources=(source,))
            if copy.is_remote(source):
                roots, path, identity = remote_source(source, copy)
                known = roots is not None
                remote = self.shop.graph.source(roots or (), identity, known=known)
                request = Copy((path,), copy.dest, origin="?", exclude=copy.exclude, plain=True)
                found.append(Part(remote, path, "remote", request))
                continue
            vertex = self.shop.context_vertex() if origin is None else self.shop.origin_vertex(origin, copy.sources)
            if origin and origin.context:
                request = replace(request, origin=origin.context)
            folder = pivot(source)[0] if copy.parents else source
            found.append(Part(vertex, source_path(folder), "local", request))
        for name, text in copy.files:
            if self.shop.dialect is None:
                return self.shop.unclear or ""
            made = document_operation(name, text, 0o644, self.shop.dialect)
            vertex = self.shop.graph.operation(made.definition, made.inputs, made.identity)
            found.append(
                Part(
                    vertex,
                    source_path(name),
                    "file",
                    Copy((name,), copy.dest, origin="?", exclude=copy.exclude, plain=True),
                )
            )
        return found

    def _with_content(self, made: FileOperation) -> tuple[FileOperation, str | None]:
        """Fill in the digests of files of the context; also return why one is missing."""
        inputs, no_content = [], None
        for item in made.inputs:
            content, why = self.content_of(item)
            no_content = no_content or why
            inputs.append(replace(item, content=content))
        return FileOperation(made.definition, tuple(inputs), made.identity), no_content
