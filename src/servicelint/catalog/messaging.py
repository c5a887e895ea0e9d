"""What the catalog can say about message queues: the shape of that part of a library's data.

It tells which call hands a message to a broker, where the names of queues and topics are given and where
headers are, and what receives messages. Positions are zero-based, ``self`` not counted.
"""

from __future__ import annotations

from typing import Literal

from servicelint.catalog.record import Parameter, Record

Role = Literal["queue", "topic", "exchange", "routing-key", "subject", "task"]
"""What a name given to a broker is the name of."""


class Publishing(Record, frozen=True):
    """Methods that hand a message to a broker, and share one description.

    ``destination`` says where the names of the place it goes to are given; one that is not given is the one
    the object was made with (``address``). ``headers`` and ``correlation-id`` are taken by the
    method itself, by the object given as ``envelope`` (an :class:`Envelope`), or by each element of the list
    given as ``entries``, where the keywords are keys of a mapping. ``open``: every other keyword becomes a
    property of the message. ``blocking`` is whether it sends when it is called, not when it is awaited.
    """

    names: tuple[str, ...]
    destination: dict[Role, Parameter] = {}
    headers: Parameter | None = None
    correlation_id: Parameter | None = None
    envelope: Parameter | None = None
    entries: Parameter | None = None
    open: bool = False
    blocking: bool = True


class Consuming(Record, frozen=True):
    """Methods that receive messages; ``source`` says where the place's names are given.

    ``handler`` is the function that gets each message, where it is handed over.
    """

    names: tuple[str, ...]
    source: dict[Role, Parameter] = {}
    handler: Parameter | None = None
    blocking: bool = True


class Envelope(Record, frozen=True):
    """A class whose objects are messages, or a message's properties."""

    headers: Parameter
    correlation_id: Parameter | None = None
    aliases: tuple[str, ...] = ()


class Making(Record, frozen=True):
    """Methods that hand out an object of the class ``returns``.

    ``address`` says where they take the names of the place that the object serves, ``service`` which of the
    service names (``"sqs"`` of ``session.client("sqs")``) their first argument has to be, "" for any.
    """

    names: tuple[str, ...]
    returns: str
    address: dict[Role, Parameter] = {}
    service: str = ""


class QueueClient(Record, frozen=True):
    """A class whose objects publish or receive messages, or lead to those that do.

    ``kin`` are the library's own subclasses of it, and the abstract classes and stubs that stand for it in
    annotations. ``factories`` are callables that return one, ``service`` what their first argument then has
    to be (``"sqs"`` of ``boto3.client``). ``address`` is where the constructor takes the names of the place
    it serves, ``holds`` names the classes of what its attributes hold. ``hooks`` are signals that hand the
    functions connected to them the headers of each message before it is sent.
    """

    aliases: tuple[str, ...] = ()
    kin: tuple[str, ...] = ()
    factories: tuple[str, ...] = ()
    service: str = ""
    address: dict[Role, Parameter] = {}
    makes: tuple[Making, ...] = ()
    holds: dict[str, str] = {}
    hooks: tuple[str, ...] = ()
    publishing: tuple[Publishing, ...] = ()
    consuming: tuple[Consuming, ...] = ()


class TaskDecorator(Record, frozen=True):
    """A decorator that makes a function a task, which a worker runs when a message for it comes.

    ``makes`` is the class of what the function becomes: a :class:`QueueClient`. ``name`` and ``queue`` are
    the decorator's own arguments.
    """

    makes: str
    name: Parameter | None = None
    queue: Parameter | None = None
    aliases: tuple[str, ...] = ()
