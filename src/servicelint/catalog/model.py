"""What the catalog can say about a library: the shape of its data.

A file in ``catalog/data`` decodes into :class:`Library`; a team's own clients, from the table
``[tool.servicelint.clients]``, decode into :class:`Client`. All times are seconds.
"""

from __future__ import annotations

from typing import Any, Literal

from servicelint.catalog.correlation import ContextKeeper, Injector, Instrumentation, LogField
from servicelint.catalog.failures import Failures, Redirects
from servicelint.catalog.guards import Breaker
from servicelint.catalog.inbound import App, GeneratedBase, HandlerClass, Registration
from servicelint.catalog.messaging import Envelope, QueueClient, TaskDecorator
from servicelint.catalog.record import Parameter, Record
from servicelint.catalog.retries import Retry, RetryFilter, RetryStop, RetryWait
from servicelint.catalog.tables import Connection, TableClass, TableName

Wait = Literal["forever", "socket-default", "client-default", "library-default", "immediate", "raises"]
"""What a call does about waiting when a value is left out, None, zero or negative.

- ``forever``: nothing bounds the wait for the answer.
- ``socket-default``: obeys ``socket.setdefaulttimeout``; for ever when that was never called.
- ``client-default``: what the client was built with applies.
- ``library-default``: the library's own finite default applies (``default-seconds``).
- ``immediate``: the call fails at once, so it cannot hang.
- ``raises``: the value is refused, the call raises before it sends anything.
"""

Arity = Literal["unary_unary", "unary_stream", "stream_unary", "stream_stream"]
"""Whether a remote method takes one request or a stream of them, and what it answers."""

Kind = Literal["total", "per-operation", "headers"]
"""What a bound limits: the whole exchange, each wait for bytes anew, or the wait for the answer's headers.

Under the last one reading the body is not bounded.
"""


class Meaning(Record, frozen=True):
    """How one library understands the value of a timeout argument.

    ``pair`` names the parts of an accepted tuple in order; ``answer`` is the part that bounds the
    wait for the answer. ``objects`` are the timeout classes that may be given instead of a number.
    """

    kind: Kind
    none: Wait
    zero: Wait
    negative: Wait
    infinite: Wait
    pair: tuple[str, ...] = ()
    answer: str = ""
    objects: tuple[str, ...] = ()


class TimeoutParameter(Record, frozen=True):
    """How a callable takes its timeout: keyword, position (zero-based, ``self`` not counted), meaning.

    ``position`` is None where the timeout can only be given by keyword. ``omitted`` is what leaving
    the argument out means. ``meaning`` names an entry of the library's ``meanings``. ``instead`` are keywords
    that bound the call in its place (grpclib's ``deadline``).
    """

    keyword: str
    meaning: str
    omitted: Wait
    position: int | None = None
    instead: tuple[str, ...] = ()


class AnswerPart(Record, frozen=True):
    """One parameter of a timeout class that can bound the wait for the answer.

    ``connects``: it bounds the wait for a connection as well.
    """

    parameter: str
    kind: Kind
    none: Wait
    zero: Wait
    negative: Wait
    omitted: Wait = "forever"
    connects: bool = True


class TimeoutClass(Record, frozen=True):
    """A class whose instances carry a timeout, such as ``httpx.Timeout``.

    ``parameters`` are the constructor's parameters that can be given by position, in order; its other
    parameters take keywords only. ``decided-by`` says how the parts combine: ``first``: the first part
    that is given decides (``httpx.Timeout``: ``read``, else ``timeout``); ``any``: one finite part is
    enough (``aiohttp.ClientTimeout``: ``total`` or ``sock_read``). ``unset`` applies when no part is
    given at all.
    """

    parameters: tuple[str, ...]
    decided_by: Literal["first", "any"]
    answer: tuple[AnswerPart, ...]
    unset: Wait
    pair: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Method(Record, frozen=True):
    """Methods of a client that share one description.

    ``through`` lists the client's own methods that a call passes in order, so that a subclass
    overriding one of them sees the call (``requests``: ``get`` → ``request`` → ``send``).
    ``url`` is the position of the URL, None where there is none. ``returns`` is the canonical name of the
    client that the methods hand out (``urllib3.PoolManager.connection_from_host``), with ``sends = false``;
    ``inherits``: it is built with what the client itself was built with. ``arity``: they call the remote
    method that their first argument names. ``headers`` is the position of headers that may be given by it.
    """

    names: tuple[str, ...]
    timeout: TimeoutParameter | None = None
    through: tuple[str, ...] = ()
    url: int | None = None
    sends: bool = True
    returns: str = ""
    inherits: bool = False
    arity: Arity | None = None
    headers: int | None = None


class Mounting(Record, frozen=True):
    """A client method that installs a transport per URL prefix (``requests.Session.mount``).

    ``hook`` is the transport's method that every call passes and an override of which can set the
    bound; ``timeout`` is how that method takes it. ``transports`` are the library's transport classes, and
    ``retries`` is how they are given a policy of retries.
    """

    method: str
    hook: str
    transports: tuple[str, ...]
    timeout: TimeoutParameter | None = None
    retries: Parameter | None = None


class Client(Record, frozen=True):
    """A class whose methods send requests.

    ``constructor`` is the timeout given when it is built, ``attribute`` the attribute that holds it
    afterwards (assigning to it changes the bound). ``factories`` are callables that return one.
    ``site`` says which expression sends: a call of a listed method, the construction itself
    (``http.client``), or a call of any attribute (``xmlrpc.client.ServerProxy``). ``default-seconds``
    is the library's own default, where ``library-default`` applies, and ``default-kind`` its kind.
    ``omitted`` is what a call means when neither it nor the constructor (which has its own
    ``omitted``) gives a timeout. ``transport`` names the constructor's keyword that takes an object
    which may set the bound itself, ``transport-position`` its position; ``transports`` are the
    library's own classes for it, which set none. ``title`` is what messages call it, where its class has no
    public name. A remote method that can be called (``grpc.UnaryUnaryMultiCallable``) has an ``arity``; a
    channel's option ``service-config`` may bound the calls over it. ``like`` names the client whose facts
    it shares, where its file states only what differs. ``setter`` is the method that gives it its options
    one by one; the constructor's keywords then are names of options (``pycurl.TIMEOUT``). ``peer`` is where
    the constructor takes whom to talk to: the URL that those of requests are relative to, or a host's name.
    """

    blocking: bool
    methods: tuple[Method, ...] = ()
    constructor: TimeoutParameter | None = None
    peer: Parameter = Parameter(keyword="base_url")
    attribute: str = ""
    aliases: tuple[str, ...] = ()
    factories: tuple[str, ...] = ()
    site: Literal["method", "construction", "any-attribute"] = "method"
    omitted: Wait = "forever"
    default_seconds: float | None = None
    default_kind: Kind | None = None
    mounting: Mounting | None = None
    transport: str = ""
    transport_position: int | None = None
    transports: tuple[str, ...] = ()
    library: str = ""
    meanings: dict[str, Meaning] = {}
    title: str = ""
    like: str = ""
    setter: str = ""
    arity: Arity | None = None
    service_config: str = ""


class Slot(Record, frozen=True):
    """Where a callable takes something: keyword and position; ``rest``: from the position on, one by one."""

    keyword: str = ""
    position: int | None = None
    rest: bool = False


class Channel(Record, frozen=True):
    """A function that makes a channel (``grpc.insecure_channel``), or a class of them.

    ``target`` takes the name of the peer, ``options`` the channel's settings, pairs of a name and a value;
    ``interceptors`` what every call passes on its way; ``wraps`` the channel that the new one sends through.
    """

    target: Slot | None = None
    options: Slot | None = None
    interceptors: Slot | None = None
    wraps: Slot | None = None


class CallDetails(Record, frozen=True):
    """The class of what an interceptor is told of a call, and tells the next one in its turn.

    ``timeout`` is where it is built with the call's timeout, and the name of its attribute; ``replace`` its
    method that returns a changed copy. An interceptor's method is called ``hook`` and the call's arity; it
    gets the next one and the details at the positions ``continuation`` and ``details``.
    """

    timeout: Slot
    replace: str
    hook: str
    continuation: int
    details: int
    aliases: tuple[str, ...] = ()


class Stub(Record, frozen=True):
    """Generated classes, one a service, whose attributes are its remote methods.

    They are known by their names, which end in ``Stub``, in modules whose names end in ``module``; elsewhere
    by being built with a channel. ``channel`` is where they take it. ``methods`` says what a remote method
    is: by the class of the channel, the first for one that can't be told, and by the word that makes it in
    the generated code.
    """

    module: str
    channel: Slot
    methods: dict[str, dict[str, str]]


class Sender(Record, frozen=True):
    """A plain function that sends one request (``requests.get``, ``urllib.request.urlopen``).

    ``url`` is the position of the URL; ``default-seconds`` and ``default-kind`` as for :class:`Client`.
    ``omitted`` says what bounds a sender that takes no timeout at all (``urllib.request.urlretrieve``).
    ``like`` is as for :class:`Client`.
    """

    blocking: bool
    timeout: TimeoutParameter | None = None
    aliases: tuple[str, ...] = ()
    url: int | None = None
    omitted: Wait = "forever"
    default_seconds: float | None = None
    default_kind: Kind | None = None
    like: str = ""


class Scope(Record, frozen=True):
    """Something that bounds the code it encloses (``asyncio.timeout``) or the awaitable it is given.

    ``keyword`` and ``position`` say where its limit is given; ``awaitable`` is the position of what it
    waits for (``asyncio.wait_for``), None for a with-block. ``cancels`` says what it can end: only
    code that awaits, or blocking calls under a green-thread library too. ``stops`` says what the limit
    stops: the work, or only the ``waiting``, so that the code has to cancel what still runs.
    ``is-point``: the limit is a point in time, no length.
    """

    keyword: str
    position: int | None = None
    none: Literal["forever", "raises"] = "forever"
    awaitable: int | None = None
    cancels: Literal["awaited", "green-threads"] = "awaited"
    stops: Literal["work", "waiting"] = "work"
    is_point: bool = False
    aliases: tuple[str, ...] = ()


class Invoker(Record, frozen=True):
    """Something that calls a function it is given (``executor.submit``), known by its last name.

    ``callable`` is the function's position, ``keyword`` the keyword it can be given by instead. ``passes``
    says which arguments the function gets: the ``rest`` of the call's own, those in the arguments named
    ``args`` and ``kwargs``, or ``others`` that can't be told. ``loses-context``: it is called in another
    thread or greenlet, where the context variables of the caller are not set; ``is-detached``: apart from
    the caller, which does not wait for it.
    """

    passes: Literal["rest", "args", "others"]
    callable: int | None = None
    keyword: str = ""
    args: str = ""
    kwargs: str = ""
    loses_context: bool = False
    is_detached: bool = False


class Settings(Record, frozen=True):
    """An object that hands out a project's settings: as its attributes, or by key where ``has-keys``.

    ``modules`` are the last names of the modules or packages where projects keep them.
    """

    modules: tuple[str, ...]
    has_keys: bool = False
    aliases: tuple[str, ...] = ()


class Condition(Record, frozen=True):
    """What holds for other versions of a library than the newest: a ``when`` table of its file.

    ``versions`` is a specifier (``<1.0``), ``proven`` the versions that it was run with, ``absent`` the
    entries that those versions don't have. The other keys are laid over the file's own.
    """

    versions: str
    proven: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    notes: str = ""
    senders: dict[str, Any] = {}
    clients: dict[str, Any] = {}
    timeouts: dict[str, Any] = {}
    meanings: dict[str, Any] = {}
    plain_transports: dict[str, tuple[str, ...]] = {}
    breakers: dict[str, Any] = {}
    retries: dict[str, Any] = {}
    queues: dict[str, Any] = {}


class Library(Record, frozen=True):
    """One file of the catalog: everything known of one library.

    ``distribution`` is its name on the package index ("" for the standard library); ``proven``
    the versions against which every fact of the file was run, oldest first; ``when`` what other ones do.
    ``plain-transports`` are its transports for clients of other libraries that set no bound, ``makers`` its
    functions that return such a client, both by the client's name. ``apps``, ``registrars``,
    ``handler-classes`` and ``generated`` tell which code handles what comes in. ``channels``, ``details`` and
    ``stubs`` are about gRPC; ``plain-interceptors`` make what calls over a channel pass with their timeout as
    it is, one or a list of them; ``remaining`` are the methods that tell how many seconds the caller of a
    handler still waits. ``headers`` is the argument that takes headers or metadata;
    ``instrumentations``, ``launchers``, ``injectors``, ``context-keepers`` and ``log-fields`` tell what
    carries ids.
    ``table-classes``, ``table-names`` and ``connections`` are about databases; ``takers`` are the last names
    of functions and methods that are given SQL. ``settings`` are a framework's objects for a project's own.
    """

    library: str
    title: str
    protocol: Literal["http", "grpc", "queue"] = "http"
    distribution: str = ""
    proven: tuple[str, ...] = ()
    notes: str = ""
    when: tuple[Condition, ...] = ()
    meanings: dict[str, Meaning] = {}
    timeouts: dict[str, TimeoutClass] = {}
    senders: dict[str, Sender] = {}
    clients: dict[str, Client] = {}
    plain_transports: dict[str, tuple[str, ...]] = {}
    makers: dict[str, tuple[str, ...]] = {}
    scopes: dict[str, Scope] = {}
    invokers: dict[str, Invoker] = {}
    channels: dict[str, Channel] = {}
    remaining: tuple[str, ...] = ()
    details: dict[str, CallDetails] = {}
    plain_interceptors: tuple[str, ...] = ()
    stubs: dict[str, Stub] = {}
    breakers: dict[str, Breaker] = {}
    retries: dict[str, Retry] = {}
    retry_stops: dict[str, RetryStop] = {}
    retry_waits: dict[str, RetryWait] = {}
    retry_filters: dict[str, RetryFilter] = {}
    failures: Failures = Failures()
    redirects: Redirects = Redirects()
    queues: dict[str, QueueClient] = {}
    envelopes: dict[str, Envelope] = {}
    tasks: dict[str, TaskDecorator] = {}
    apps: dict[str, App] = {}
    registrars: dict[str, Registration] = {}
    handler_classes: dict[str, HandlerClass] = {}
    generated: tuple[GeneratedBase, ...] = ()
    headers: Parameter | None = None
    instrumentations: dict[str, Instrumentation] = {}
    launchers: dict[str, Instrumentation] = {}
    injectors: dict[str, Injector] = {}
    context_keepers: dict[str, ContextKeeper] = {}
    log_fields: dict[str, LogField] = {}
    table_classes: dict[str, TableClass] = {}
    table_names: dict[str, TableName] = {}
    connections: dict[str, Connection] = {}
    settings: dict[str, Settings] = {}
    takers: tuple[str, ...] = ()
