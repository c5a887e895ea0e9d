"""What the catalog can say about handlers: how frameworks are told which code answers what comes in."""

from __future__ import annotations

from typing import Literal

from servicelint.catalog.record import Record

HandlerKind = Literal["request", "websocket", "rpc", "message", "tool", "hook"]
"""What code is run for: a request, a socket, a call, a message, a tool's use.

A ``hook`` is run on the way of any of these: middleware, dependencies, handlers of errors.
"""

VERBS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
"""The methods of a class-based view, unless its framework has others."""


class Registration(Record, frozen=True):
    """Something that makes a function, or a class's methods, handle what comes in.

    ``names`` are methods of an :class:`App`; none for a function of the library, which has its own.
    Used as a decorator it takes what it decorates. ``handler`` is the argument's position where it is
    called with one, ``keyword`` the keyword that it can be given by instead, ``route`` the position of the
    path. ``methods`` (patterns as of ``fnmatch``) are those of a class or object that is given.
    ``is-telling``: no other library has a decorator, or a method, that is used like this, so what it is
    called on need not be known.
    """

    names: tuple[str, ...] = ()
    kind: HandlerKind = "request"
    handler: int | None = None
    keyword: str = ""
    route: int | None = None
    methods: tuple[str, ...] = VERBS
    is_telling: bool = False
    aliases: tuple[str, ...] = ()


class App(Record, frozen=True):
    """A class whose objects routes and hooks are registered on: an application, blueprint or router.

    ``is-root`` tells the application itself from its parts. ``returns`` names the class of what a method
    hands out (``api.namespace`` → ``flask_restx.Namespace``). ``factories`` are functions that make one.
    """

    registrations: tuple[Registration, ...] = ()
    like: str = ""
    is_root: bool = False
    returns: dict[str, str] = {}
    aliases: tuple[str, ...] = ()
    factories: tuple[str, ...] = ()


class HandlerClass(Record, frozen=True):
    """A base class whose heirs handle what comes in: ``methods``, and ``hooks`` that are run on the way.

    Patterns as of ``fnmatch``. ``makers`` are methods of the class that make the function which is
    registered. ``aliases`` are further bases of the same kind.
    """

    methods: tuple[str, ...] = VERBS
    hooks: tuple[str, ...] = ()
    kind: HandlerKind = "request"
    makers: tuple[str, ...] = ("as_view",)
    aliases: tuple[str, ...] = ()


class GeneratedBase(Record, frozen=True):
    """Base classes that a generator writes for a service, known by the ends of their names.

    ``class-suffix`` (a capitalised word) and ``module-suffix`` are how the class and its module end, ``base``
    is the library's class that a generated one inherits from, if it does. ``beside`` is a module that some
    file of such a program imports. ``is-telling``: few other classes are named so.
    """

    class_suffix: str
    module_suffix: str = ""
    base: str = ""
    beside: tuple[str, ...] = ()
    is_telling: bool = False
    kind: HandlerKind = "rpc"


class Frameworks:
    """All that is known of handlers, by the qualified names a program can use."""

    def __init__(self) -> None:
        self.apps: dict[str, App] = {}
        self.registrars: dict[str, Registration] = {}
        self.classes: dict[str, HandlerClass] = {}
        self.generated: list[GeneratedBase] = []
        self._titles: dict[str, str] = {}
        self._app_names: dict[str, str] = {}

    def add(
        self,
        title: str,
        apps: dict[str, App],
        registrars: dict[str, Registration],
        classes: dict[str, HandlerClass],
        generated: tuple[GeneratedBase, ...],
    ) -> None:
        """Take in what one library says."""
        self.apps.update(apps)
        for name, app in apps.items():
            self._app_names.update(dict.fromkeys((name, *app.aliases), name))
        self.generated += generated
        for name, registration in registrars.items():
            for each in (name, *registration.aliases):
                self.registrars[each] = registration
                self._titles[each] = title
        for name, klass in classes.items():
            for each in (name, *klass.aliases):
                self.classes[each] = klass
                self._titles[each] = title
        self._titles.update(dict.fromkeys(apps, title))

    def title(self, name: str) -> str:
        """The framework that a name belongs to."""
        return self._titles.get(name, name.partition(".")[0])

    def app(self, qualified_name: str) -> str | None:
        """The application's class that a name means, by the name under which it is kept."""
        return self._app_names.get(qualified_name)

    def registrations(self, app: str) -> tuple[Registration, ...]:
        """How an application's class registers, with what it has in common with another."""
        entry = self.apps[app]
        return entry.registrations + (self.registrations(entry.like) if entry.like else ())

    def symbols(self) -> set[str]:
        """The names by which modules import anything of a framework."""
        found = {*self.registrars, *self.classes}
        for name, app in self.apps.items():
            found.update((name, *app.aliases, *app.factories))
        return found

    def telling_names(self) -> dict[str, Registration]:
        """The methods that register whatever they are called on."""
        registrations = [each for name in self.apps for each in self.registrations(name)]
        return {name: each for each in registrations if each.is_telling for name in each.names}

    def method_names(self) -> set[str]:
        """The names of all methods of applications that register."""
        return {name for app in self.apps for each in self.registrations(app) for name in each.names}
