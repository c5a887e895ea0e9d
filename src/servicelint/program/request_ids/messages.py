"""Whether a message carries an id: in its headers, as its correlation id, by its client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.arguments import passed_for
from servicelint.program.evaluation.values import MISSING, NONE, FunctionRef
from servicelint.program.linking.reads import Memo
from servicelint.program.request_ids.carried import MOST_CALLERS, HeaderReader
from servicelint.program.request_ids.names import IDENTITY, expressions, walk
from servicelint.program.request_ids.outgoing import Carriage, dropped

if TYPE_CHECKING:
    from servicelint.catalog.record import Parameter
    from servicelint.program.evaluation.values import CallRef
    from servicelint.program.queues import Publication
    from servicelint.program.request_ids.outgoing import Outgoing


class Messages:
    """Judges publications by what they give for the message's headers."""

    def __init__(self, outgoing: Outgoing) -> None:
        self.outgoing = outgoing
        self.program = outgoing.program
        self._known: Memo[CallRef, Carriage] = Memo(outgoing.program.reads)

    def of(self, publication: Publication) -> Carriage:
        """What a message carries."""
        return self._known.answer(publication.ref, lambda: self._judge(publication))

    def _judge(self, publication: Publication) -> Carriage:
        if self._is_correlated(publication):
            return Carriage("carried", "its correlation id")
        reader = HeaderReader(self.outgoing.ids, self.program.reaching.function_of(publication.ref))
        publishing, arguments = publication.publishing, publication.arguments
        if publishing.envelope is not None:
            self._envelopes(publication, publishing.envelope, reader)
        elif publishing.entries is not None and publishing.headers is not None:
            given = passed_for(arguments, publishing.entries.keyword, publishing.entries.position)
            if given is not None:
                reader.option(publishing.headers.keyword, given)
        elif publishing.headers is not None:
            reader.argument(arguments, publishing.headers.keyword, publishing.headers.position)
        if reader.trail.found:
            return self.outgoing.found([reader.trail])
        if self.outgoing.client_puts(publication.instance):
            return Carriage("carried", "its client puts it on")
        if self._may_be_in_body(publication.ref):
            return Carriage("unknown", "an id may be in its body")
        return dropped([reader.trail])

    def _is_correlated(self, publication: Publication) -> bool:
        given = self.program.queues.correlation_id(publication)
        return any(value not in (MISSING, NONE) for value in given)

    def _may_be_in_body(self, ref: CallRef) -> bool:
        """Whether what publishes, or what it is called with, speaks of an id: ``job.request_id``."""
        if any(map(_names_id, expressions(ref.module, ref.call.scope))):
            return True
        function = self.program.reaching.function_of(ref)
        callers = self.program.callers.of(FunctionRef(*function)) if function else []
        return any(
            _names_id(given.expression)
            for arguments in callers[:MOST_CALLERS]
            for given in (*arguments.positional, *arguments.keywords.values())
            if given.expression is not None
        )

    def _envelopes(self, publication: Publication, argument: Parameter, reader: HeaderReader) -> None:
        """A message object: what it is built with, and what is put into its headers afterwards."""
        for envelope, built in self.program.queues.envelopes(publication):
            if envelope is None or built is None:
                reader.note_unknown("the message can't be told", publication.ref.module)
            elif built.arguments is not None:
                reader.argument(built.arguments, envelope.headers.keyword, envelope.headers.position)
                self._assigned(publication, argument, envelope.headers.keyword, reader)

    def _assigned(
        self, publication: Publication, argument: Parameter, headers: str, reader: HeaderReader
    ) -> None:
        """``message.headers[ID] = …``, ``message.headers = …`` in the function that publishes."""
        given = passed_for(publication.arguments, argument.keyword, argument.position)
        if given is None or not isinstance(given.expression, record.Name) or given.frame is None:
            return
        name, frame = given.expression.name, given.frame
        for write in frame.module.facts.writes:
            if write.scope == frame.scope and _is_headers(write, name, headers):
                reader.read(write.value, frame.module, write.scope)


def _names_id(expression: record.Expression) -> bool:
    """Whether an expression has an id's name in it: as a name, an attribute, a key."""
    return any(
        IDENTITY.search(str(name).replace("-", "_"))
        for part in walk(expression)
        for name in (getattr(part, "name", None), *_keys(part))
        if name is not None
    )


def _keys(part: record.Expression) -> list[object]:
    """The keys that are written out in a structure."""
    keys: list[record.Expression | None] = []
    if isinstance(part, record.Mapping):
        keys = [key for key, _ in part.items]
    elif isinstance(part, record.Updated):
        keys = [part.key]
    elif isinstance(part, record.Subscript):
        keys = [part.index]
    return [key.value for key in keys if isinstance(key, record.Constant)]


def _is_headers(write: record.AttributeWrite, name: str, headers: str) -> bool:
    """Whether a write changes, or sets, the headers of what a name holds."""
    target = write.target
    if isinstance(target, record.Attribute) and target.name == headers:
        return isinstance(target.value, record.Name) and target.value.name == name
    return write.name == headers and isinstance(target, record.Name) and target.name == name
