"""What the catalog can say about how calls of a library fail."""

from __future__ import annotations

from typing import Literal

from servicelint.catalog.record import Record


class Failures(Record, frozen=True):
    """What a call raises when its peer does not answer as it should.

    Attributes:
        raised: the classes raised for a peer that refuses the connection or does not answer in time.
        awaited: the same for calls that are awaited, where they raise other classes.
        bases: the library's exceptions, each with its direct bases.
        aliases: further names of exceptions, each with the name that the catalog knows.
        status: whether an answer with an error status (5xx) is returned like any other, or raised.
        checks: attributes and methods of an answer by which code notices an error status.
        status_keyword: the keyword of a call or constructor that makes it raise for an error status.
    """

    raised: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()
    bases: dict[str, tuple[str, ...]] = {}
    aliases: dict[str, str] = {}
    status: Literal["returned", "raised", ""] = ""
    checks: tuple[str, ...] = ()
    status_keyword: str = ""


class Redirects(Record, frozen=True):
    """How a library follows redirects, each of which is a request with the whole timeout again.

    Attributes:
        keyword: the argument of a call, or of its client's constructor, that says whether they are followed.
        followed: whether they are where it is not given.
        most: how many are followed, if nothing else is said.
        spared: methods that follow none of themselves.
    """

    keyword: str = ""
    followed: bool = False
    most: int = 0
    spared: tuple[str, ...] = ()
