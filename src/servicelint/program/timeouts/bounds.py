"""What bounds a call: its own arguments, its client, or something that is hooked into its client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from servicelint.catalog.model import Client, Meaning, Sender
from servicelint.program.evaluation.constructions import Constructions
from servicelint.program.evaluation.options import Options
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    UNKNOWN,
    CallRef,
    ClassRef,
    External,
    Instance,
    ParameterSymbol,
    Values,
)
from servicelint.program.linking.wholes import Whole
from servicelint.program.timeouts.values import Situation, Timeouts
from servicelint.program.timeouts.verdicts import (
    Bounded,
    Forwarded,
    Step,
    Unbounded,
    Undecided,
    Verdict,
    joined,
)

if TYPE_CHECKING:
    from servicelint.catalog.model import TimeoutParameter, Wait
    from servicelint.program.evaluation.arguments import Arguments
    from servicelint.program.program import Program
    from servicelint.program.sites import Target

_SOCKET_DEFAULT = "socket.setdefaulttimeout"


class Bounds:
    """Finds what bounds the wait of a call site's target."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.timeouts = Timeouts(program)
        self.options = Options(program)
        self.constructions = Constructions(program)
        self._socket_default = Whole(
            program.reads, "socket default", self._find_socket_default, lambda found: {"": found}
        )
        self._is_finding_default = False

    def of(self, target: Target) -> Verdict:
        """The verdict on one target of a call site, enclosing scopes left aside."""
        hooked = self.program.hooks.verdict(target)
        if hooked is not None:
            return hooked
        over_channel = self.program.channels.bound(target)
        if over_channel is not None:
            return _with_client(over_channel, target)
        return _with_client(joined(self._own(target)), target)

    def given(self, target: Target) -> Values:
        """What is given as the target's timeout; MISSING if nothing."""
        if target.timeout is None:
            return (MISSING,)
        return self.program.evaluator.argument(
            target.arguments, target.timeout.keyword, target.timeout.position
        )

    def _own(self, target: Target) -> list[Verdict]:
        if target.timeout is None:
            return self._situation(target).client_default()
        return self.judged(target, self.given(target))

    def judged(self, target: Target, timeouts: Values) -> list[Verdict]:
        """The verdicts on a target whose timeout is one of these; it has a parameter for it."""
        assert target.timeout is not None  # noqa: S101 - as said
        meaning = self.program.catalog.meaning(target.entry, target.timeout.meaning)
        found = self.timeouts.judge(timeouts, meaning, target.timeout.omitted, self._situation(target))
        return self._or_instead(found, target.arguments, target.timeout)

    def _or_instead(
        self, verdicts: list[Verdict], arguments: Arguments, parameter: TimeoutParameter
    ) -> list[Verdict]:
        """The verdicts where another keyword (grpclib's ``deadline``) may bound the call in its place."""
        symbols: list[ParameterSymbol] = []
        for keyword in parameter.instead:
            values = self.program.evaluator.argument(arguments, keyword, None)
            symbols += [value for value in values if isinstance(value, ParameterSymbol)]
            if not any(isinstance(value, ParameterSymbol) or value in (MISSING, NONE) for value in values):
                return [Bounded(f"`{keyword}` is given", "total")]
        return [_unless_given(verdict, tuple(symbols)) for verdict in verdicts] if symbols else verdicts

    def _situation(self, target: Target) -> Situation:
        keyword = target.timeout.keyword if target.timeout else "timeout"
        return Situation(
            keyword,
            self.has_socket_default(),
            lambda: self._client_default(target),
            lambda: self.library_default(target.entry),
        )

    def library_default(self, entry_name: str) -> Verdict:
        """The verdict of a library's own finite default."""
        entry = self.program.catalog.entry(entry_name)
        seconds = getattr(entry, "default_seconds", None)
        kind = getattr(entry, "default_kind", None)
        return Bounded(f"{entry_name}'s own default", kind, seconds)

    def has_socket_default(self) -> bool:
        """Whether the program calls ``socket.setdefaulttimeout`` with something other than None."""
        return not self._is_finding_default and self._socket_default.answer()

    def _find_socket_default(self) -> bool:
        self._is_finding_default = True  # while the arguments are evaluated
        try:
            modules = self.program.vocabulary.modules_with(_SOCKET_DEFAULT.rpartition(".")[2])
            calls = [CallRef(module, n) for module in modules for n in range(len(module.facts.calls))]
            return any(map(self._sets_socket_default, calls))
        finally:
            self._is_finding_default = False

    def _sets_socket_default(self, ref: CallRef) -> bool:
        frame = self.program.frame_of_call(ref)
        evaluator = self.program.evaluator
        if External(_SOCKET_DEFAULT) not in evaluator.values(ref.call.callee, frame):
            return False
        given = evaluator.argument(self.program.calls.written(ref, frame), "", 0)
        return any(value != NONE for value in given)

    # --- the client ------------------------------------------------------------------------------

    def _client_default(self, target: Target) -> list[Verdict]:
        """What the client was built with, or has been set to since."""
        client, instance = target.client, target.instance
        if client is None or instance is None:
            sender = self.program.catalog.entry(target.entry)
            omitted: Wait = sender.omitted if isinstance(sender, Sender) else "forever"
            return self._plain(target).verdicts(omitted, "")
        if client.constructor is None:
            return self._plain(target).verdicts(client.omitted, "")
        meaning = self._constructor_meaning(target, client.constructor)
        situation = self._plain(target)
        if client.setter:
            given = self.options.values(client, client.constructor, instance)
            return self.timeouts.judge(given, meaning, client.constructor.omitted, situation)
        changed = self._attribute_values(client, instance)
        if changed:
            return self.timeouts.judge(changed, meaning, client.omitted, situation)
        return self._constructed(client, instance, client.constructor, meaning, situation)

    def _plain(self, target: Target) -> Situation:
        """The situation of the client itself, which has no client to fall back to."""
        client = target.client
        keyword = client.constructor.keyword if client and client.constructor else "timeout"
        return Situation(
            keyword,
            self.has_socket_default(),
            lambda: [self.library_default(target.entry)],
            lambda: self.library_default(target.entry),
        )

    def _constructor_meaning(self, target: Target, parameter: TimeoutParameter) -> Meaning:
        return self.program.catalog.meaning(target.entry, parameter.meaning)

    def _attribute_values(self, client: Client, instance: Instance) -> Values:
        """What the client's timeout attribute has been set to, by whoever holds it or in a subclass."""
        if not client.attribute:
            return ()
        for effect in reversed(instance.effects):
            if effect.name == client.attribute:
                return effect.values
        if isinstance(instance.of, ClassRef):
            found = self.program.attributes.assigned(instance, client.attribute)
            return tuple(value for value in found if value != UNKNOWN)
        return ()

    def _constructed(
        self,
        client: Client,
        instance: Instance,
        parameter: TimeoutParameter,
        meaning: Meaning,
        situation: Situation,
    ) -> list[Verdict]:
        arguments = self.constructions.library_arguments(instance)
        if not arguments:
            if instance.made is not None or client.omitted == "library-default":
                return situation.verdicts(parameter.omitted, "")
            return [Undecided("how the client was built can't be told")]
        verdicts: list[Verdict] = []
        for each in arguments:
            values = self.program.evaluator.argument(each, parameter.keyword, parameter.position)
            judged = self.timeouts.judge(values, meaning, parameter.omitted, situation)
            verdicts += self._or_instead(judged, each, parameter)
        return verdicts


def _unless_given(verdict: Verdict, others: tuple[ParameterSymbol, ...]) -> Verdict:
    """The verdict where callers may bound the call through one of the ``others``."""
    if isinstance(verdict, Forwarded):
        return replace(verdict, instead=others)
    if not isinstance(verdict, Unbounded):
        return verdict

    def judge(values: Values) -> list[Verdict]:
        return [
            verdict if value in (MISSING, NONE) else Bounded("another bound is given") for value in values
        ]

    return Forwarded(others[0], judge)


def _with_client(verdict: Verdict, target: Target) -> Verdict:
    """The verdict with the place where its client was made as the first step."""
    made = target.instance.made if target.instance else None
    if made is None or made == target.arguments.call or not isinstance(verdict, Unbounded | Forwarded):
        return verdict
    step = Step(made, f"the {_client_name(target)} is made here")
    if isinstance(verdict, Unbounded):
        return Unbounded(verdict.reason, verdict.disabled, verdict.cause, (step, *verdict.steps))
    return Forwarded(verdict.symbol, verdict.judge, (step, *verdict.steps))


def _client_name(target: Target) -> str:
    """What was made: the client itself, or the stub whose method is called."""
    label = target.instance.label if target.instance else ""
    return label.partition(".")[0] if "." in label and not label.startswith("/") else target.entry
