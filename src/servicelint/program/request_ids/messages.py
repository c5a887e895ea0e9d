"""Whether a message carries an id: in its headers, as its correlation id, by its client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.facts import record
from servicelint.program.evaluation.arguments import passed_for
from servicelint.program.evaluation.values import MISSING, NONE, CallRef, External, FunctionRef
from servicelint.program.linking.reads import Memo
from servicelint.program.request_ids.carried import MOST_CALLERS, HeaderReader
from servicelint.program.request_ids.names import IDENTITY, expressions, walk
from servicelint.program.request_ids.outgoing import Carriage, dropped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.record import Parameter
    from servicelint.program.linking.modules import Module
    from servicelint.program.queues import Publication
    from servicelint.program.request_ids.outgoing import Outgoing


class Messages:
    """Judges publications by what they give for the message's headers."""

    def __init__(self, outgoing: Outgoing) -> None:
        self.outgoing = outgoing
        self.program = outgoing.program
        self._known: Memo[CallRef, Carriage] = Memo(outgoing.program.reads)
        self._hooking: Memo[str, bool] = Memo(outgoing.program.reads)

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
        if self._hooks_put(publication):
            return Carriage("carried", "a function that it passes puts it on")
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
        """What is put into the headers of a message in the function that publishes it."""
        given = passed_for(publication.arguments, argument.keyword, argument.position)
        if given is not None and isinstance(given.expression, record.Name) and given.frame is not None:
            reader.assigned(given.expression, headers, given.frame.module, given.frame.scope)

    # --- by code that each message passes --------------------------------------------------------

    def _hooks_put(self, publication: Publication) -> bool:
        """Whether a function that is handed each message's headers puts an id into them."""
        found = self.program.queues.client(publication.instance)
        return found is not None and any(map(self._hook_puts, found[1].hooks))

    def _hook_puts(self, hook: str) -> bool:
        return self._hooking.answer(hook, lambda: any(map(self.outgoing.ids.puts, self._connected(hook))))

    def _connected(self, hook: str) -> Iterator[FunctionRef]:
        """The functions that are connected to a signal: ``@signal.connect``, ``signal.connect(function)``."""
        for module in self.program.vocabulary.modules_with(hook.rpartition(".")[2]):
            for number, function in enumerate(module.facts.functions):
                for decorator in function.decorators:
                    if self._is_connecting(decorator, module, function.outer_scope, hook):
                        yield FunctionRef(module, number)
            for number, call in enumerate(module.facts.calls):
                if call.arguments and self._is_connecting(call.callee, module, call.scope, hook):
                    frame = self.program.frame_of_call(CallRef(module, number))
                    values = self.program.evaluator.values(call.arguments[0].value, frame)
                    yield from (value for value in values if isinstance(value, FunctionRef))

    def _is_connecting(self, expression: record.Expression, module: Module, scope: int, hook: str) -> bool:
        if isinstance(expression, record.CallValue):
            expression = module.facts.calls[expression.call].callee
        if not isinstance(expression, record.Attribute) or expression.name != "connect":
            return False
        values = self.program.evaluator.typed(expression.value, self.program.root_frame(module, scope))
        return External(hook) in values


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
