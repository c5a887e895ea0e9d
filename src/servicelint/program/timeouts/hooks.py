"""Code that a request passes on its way: overridden methods of a client, mounted or given transports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from servicelint.facts import record
from servicelint.program.evaluation.arguments import Arguments, Given
from servicelint.program.evaluation.values import (
    MISSING,
    NONE,
    UNKNOWN,
    CallRef,
    ClassRef,
    Effect,
    External,
    FunctionRef,
    Instance,
    Literal,
    Origin,
    Partial,
    Value,
    Values,
)
from servicelint.program.timeouts.values import Situation
from servicelint.program.timeouts.verdicts import Unbounded, Undecided, Verdict, joined

if TYPE_CHECKING:
    from servicelint.catalog.model import Client, Mounting
    from servicelint.program.program import Program
    from servicelint.program.sites import Target

DEEPEST_HOOK = 5
"""Hooks (adapters, overridden methods) that are followed into one another."""


class Hooks:
    """Finds what the program's own code on a request's way does about its timeout."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._depth = 0

    def verdict(self, target: Target) -> Verdict | None:
        """The verdict of code that the call passes on its way; None where there is none."""
        if target.instance is None or target.client is None or self._depth >= DEEPEST_HOOK:
            return None
        self._depth += 1
        try:
            found = self._overridden(target) or self._mounted(target) or self._transported(target)
        finally:
            self._depth -= 1
        return _left_out(found, target)

    def _overridden(self, target: Target) -> Verdict | None:
        hops = target.method.through if target.method else ()
        for rank, hop in enumerate(hops):
            assert target.instance is not None  # noqa: S101 - verdict made sure
            if any(effect.name == hop and UNKNOWN in effect.values for effect in target.instance.effects):
                return Undecided(f"what `{hop}` was replaced by can't be told")
            for value in self.program.attributes.of(target.instance, hop):
                if isinstance(value, FunctionRef | Partial):
                    passed = self._handed_to_hook(value, target, explicit=rank > 0 or hop == "send")
                    return self.within(value, passed)
        return None

    def _handed_to_hook(self, hook: Value, target: Target, explicit: bool) -> Arguments:
        """What the library calls a hook with: its own arguments, and the timeout as the call has it.

        From the second hop on libraries give the keyword whether the call had it or not, so there a
        ``setdefault`` comes too late (requests 2.34: ``Session.request`` gives ``send`` a timeout of None).
        """
        given = self.program.bounds.given(target)
        keyword = target.timeout.keyword if target.timeout else "timeout"
        if explicit:
            given = tuple(Literal(None, _left_at(target)) if value == MISSING else value for value in given)
        keywords = ((keyword, Given(None, None, given)),) if given != (MISSING,) else ()
        unknown = Given(None, None, (UNKNOWN,))
        arguments = target.arguments
        mappings = () if explicit else arguments.mappings
        return Arguments(
            arguments.call,
            arguments.frame,
            (unknown,) * _required(hook),
            keywords,
            (),
            mappings,
            ("hook", given),
        )

    def within(self, hook: Value, arguments: Arguments) -> Verdict:
        """The verdict on the requests that a hook sends when it is called so."""
        if isinstance(hook, Partial):
            inner = self.program.sites.target(hook, arguments)
            return self.program.bounds.of(inner) if inner else Undecided("what the hook does can't be told")
        if not isinstance(hook, FunctionRef):
            return Undecided("what the hook does can't be told")
        frame = self.program.call_frame(hook, arguments)
        found: list[Verdict] = []
        for number, call in enumerate(hook.module.facts.calls):
            if call.scope != frame.scope:
                continue
            if self.program.evaluator.conditions.ruled_out(call.region, frame):
                continue
            found += [
                self.program.bounds.of(inner)
                for inner in self.program.sites.targets(CallRef(hook.module, number), frame)
            ]
        return joined(found) if found else Undecided("what the hook sends can't be told")

    def _mounted(self, target: Target) -> Verdict | None:
        """The verdict of the transports mounted on a session, for the URL's scheme."""
        mounting = target.client.mounting if target.client else None
        if (
            mounting is None
            or target.instance is None
            or (target.method and mounting.method in target.method.names)
        ):
            return None
        mounted = self.mounts(mounting, target.instance)
        adapters = _serving(mounted, self._scheme(target))
        verdicts = [self._adapter(adapter, mounting, target) for adapter in adapters]
        known = [verdict for verdict in verdicts if verdict is not None]
        return joined(known) if known else None

    def mounts(self, mounting: Mounting, instance: Instance) -> list[tuple[str | None, Values]]:
        """The transports mounted on a session, each with its prefix as far as it is written out."""
        evaluator = self.program.evaluator
        effects = [effect for effect in instance.effects if effect.name == f"{mounting.method}()"]
        if isinstance(instance.of, ClassRef):
            effects += self._own_mounts(mounting, instance)
        found: list[tuple[str | None, Values]] = []
        for effect in effects:
            if effect.arguments is not None:
                for prefix in evaluator.argument(effect.arguments, "prefix", 0):
                    text = (
                        prefix.value
                        if isinstance(prefix, Literal) and isinstance(prefix.value, str)
                        else None
                    )
                    found.append((text, evaluator.argument(effect.arguments, "adapter", 1)))
        return found

    def _own_mounts(self, mounting: Mounting, instance: Instance) -> list[Effect]:
        """``self.mount(…)`` in the methods of a session's own class."""
        classes = self.program.attributes.classes
        effects = []
        for klass in classes.order(instance.of) if isinstance(instance.of, ClassRef) else ():
            if isinstance(klass, ClassRef):
                for write in classes.own_writes(klass, f"{mounting.method}()"):
                    frame = self.program.method_frame(klass.module, write.scope, instance)
                    ref = CallRef(klass.module, getattr(write.value, "call", 0))
                    effects.append(Effect(write.name, arguments=self.program.calls.written(ref, frame)))
        return effects

    def _adapter(self, adapter: Value, mounting: Mounting, target: Target) -> Verdict | None:
        """The verdict of one transport; None if it leaves the bound as it is."""
        if not isinstance(adapter, Instance):
            return Undecided("what is mounted can't be told")
        for value in self.program.attributes.of(adapter, mounting.hook):
            if isinstance(value, FunctionRef | Partial):
                return self._within_transport(value, mounting, target)
        return None

    def _within_transport(self, hook: Value, mounting: Mounting, target: Target) -> Verdict:
        """The verdict of a transport's hook: on the timeout it gives the library's own transport."""
        arguments = self._handed_to_hook(hook, target, explicit=True)
        if not isinstance(hook, FunctionRef):
            return Undecided("what the transport does can't be told")
        frame = self.program.call_frame(hook, arguments)
        found: list[Verdict] = []
        for number, call in enumerate(hook.module.facts.calls):
            if call.scope == frame.scope and getattr(call.callee, "name", "") == mounting.hook:
                inner = self.program.calls.written(CallRef(hook.module, number), frame)
                found += self._transport_verdicts(inner, mounting, target.entry)
        return joined(found) if found else Undecided("what the transport does can't be told")

    def _transport_verdicts(self, inner: Arguments, mounting: Mounting, entry: str) -> list[Verdict]:
        parameter = mounting.timeout
        if parameter is None:
            return [Undecided("how the transport takes its timeout is not known")]
        meaning = self.program.catalog.meaning(entry, parameter.meaning)
        values = self.program.evaluator.argument(inner, parameter.keyword, parameter.position)
        situation = Situation(
            parameter.keyword,
            self.program.bounds.has_socket_default(),
            list,
            lambda: self.program.bounds.library_default(entry),
        )
        return self.program.bounds.timeouts.judge(values, meaning, parameter.omitted, situation)

    def _scheme(self, target: Target) -> str | None:
        """The beginning of the URL, as far as it is written out."""
        if target.url is None:
            return None
        given = target.arguments.keywords.get("url")
        if given is None and target.url < len(target.arguments.positional):
            given = target.arguments.positional[target.url]
        if given is None:
            return None
        if isinstance(given.expression, record.Text) and isinstance(
            given.expression.parts[0], record.Constant
        ):
            return str(given.expression.parts[0].value)
        texts = [value.value for value in self.program.evaluator.given(given) if isinstance(value, Literal)]
        return str(texts[0]) if len(texts) == 1 else None

    def _transported(self, target: Target) -> Verdict | None:
        """A transport given to the constructor may set a bound: then nothing is shown."""
        client, instance = target.client, target.instance
        if client is None or instance is None or not client.transport:
            return None
        for arguments in self.program.bounds.constructions.library_arguments(instance):
            for value in self.program.evaluator.argument(
                arguments, client.transport, client.transport_position
            ):
                if value not in (MISSING, NONE) and not self._is_plain_transport(value, client):
                    return Undecided(f"the client's own `{client.transport}` may bound it")
        return None

    def _is_plain_transport(self, value: Value, client: Client) -> bool:
        if isinstance(value, Instance) and isinstance(value.of, External):
            return self.program.catalog.canonical(value.of.name) in client.transports
        return False


def _left_at(target: Target) -> Origin:
    """Where a call stands that gives no timeout, so that the library hands a None of its own on to hooks."""
    return Origin(target.arguments.call.module, target.arguments.call.call.line, "")


def _left_out(verdict: Verdict | None, target: Target) -> Verdict | None:
    """The verdict; of a None that only the library gave, that none is given."""
    if not isinstance(verdict, Unbounded) or verdict.cause != _left_at(target):
        return verdict
    keyword = target.timeout.keyword if target.timeout else "timeout"
    return replace(verdict, reason=f"no `{keyword}` is given", disabled=False, cause=None)


def _required(hook: Value) -> int:
    """How many positional arguments a hook needs besides its own object."""
    if not isinstance(hook, FunctionRef):
        return 0
    parameters = hook.module.facts.functions[hook.index].parameters
    positional = [p for p in parameters if p.kind in ("positional-only", "positional") and p.default is None]
    return len(positional) - (1 if hook.receiver is not None and positional else 0)


def _serving(mounted: list[tuple[str | None, Values]], url: str | None) -> list[Value]:
    """The transports that serve a URL: those with the longest fitting prefix, as requests chooses."""
    if url is not None and "://" in url:
        fitting = [
            (prefix, values)
            for prefix, values in mounted
            if prefix is None or url.lower().startswith(prefix.lower())
        ]
        longest = max((len(prefix or "") for prefix, _ in fitting), default=0)
        chosen = [values for prefix, values in fitting if len(prefix or "") == longest]
        return [value for values in chosen[-1:] for value in values]
    # an address that can't be told is served by what stands for the secure scheme, else by whatever there is
    secure = [values for prefix, values in mounted if prefix is None or prefix in ("", "https://", "https:")]
    return [value for values in (secure or [v for _, v in mounted])[-1:] for value in values]
