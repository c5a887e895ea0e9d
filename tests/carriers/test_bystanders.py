"""Modules that only hand clients on to other packages are left alone, and no others that marks lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicelint import registry
from servicelint.config import Config
from servicelint.facts.flows import flows
from servicelint.facts.syntax_tree import LARGEST
from servicelint.run import Run
from servicelint.sources.discovery import select

if TYPE_CHECKING:
    from pathlib import Path

HELPER = """
import aiohttp

def get_session():
    return aiohttp.ClientSession()

def get_sessions():
    return [aiohttp.ClientSession()]
"""
IMPORTS = """
import aiohttp
import stock
from functools import partial
from stock import Stock, run_in_executor
from helper import get_session, get_sessions
from api import Api
"""
SENDING = """
from helper import get_session

class Api:
    def __init__(self, session):
        self.session = session

    async def load(self):
        await self.session.get("https://stock.example", timeout=None)

api = Api(get_session())

class Entering:
    def __enter__(self):
        return get_session()
"""


def is_visited(folder: Path, text: str) -> bool:
    """Whether marks are followed through a module of this text, beside a helper that makes clients."""
    for name, content in (("helper", HELPER), ("api", SENDING), ("subject", text)):
        (folder / f"{name}.py").write_text(content)
    program = Run(select([folder], folder), Config(), folder).program
    return any(module.name == "subject" and program.carriers.visited(module) for module in program.targets)


@pytest.mark.parametrize(
    "body",
    [
        "return Stock(get_session())",
        "return Stock(session=get_session())",
        "session = get_session()\n    return stock.Stock(session, 3)",
        "session = get_session()\n    if session is None: raise ValueError\n    stock.open(session)",
        "async def inner(): return await Stock.create(get_session())",
        "try: Stock(get_session())\n    except (aiohttp.ClientError, TimeoutError): return None",
        "return aiohttp.hdrs.ACCEPT",
        "stock = Stock(get_session())\n    stock.open()\n    return stock",
        "return [Stock(get_session()) for _ in range(3)]",
        "return {'stock': Stock(get_session())}",
    ],
)
def test_a_bystander(body: str, tmp_path: Path) -> None:
    assert not is_visited(tmp_path, f"{IMPORTS}\ndef f():\n    {body}\n")


@pytest.mark.parametrize(
    "body",
    [
        "return get_session().get('https://stock.example')",
        "session = get_session()\n    return session.get('https://stock.example')",
        "return get_session()",
        "yield get_session()",
        "return Api(get_session())",
        "return Stock(get_session(), lambda: get_session().get(''))",
        "Stock.session = get_session()",
        "return [get_session()]",
        "return {'session': get_session()}",
        "return (lambda: get_session())",
        "for session in [get_session()]: pass",
        "with get_session() as session: pass",
        "global SESSION; SESSION = get_session()",
        "return partial(get_session)",
        "return run_in_executor(None, get_session)",
        "session = get_session()\n    session.timeout = 3",
        "def inner(session=get_session()): pass",
        "def inner(session: aiohttp.ClientSession): pass",
        "def inner(session: 'aiohttp.ClientSession | None'): pass",
        "class Own(aiohttp.ClientSession): pass",
        "class Own:\n        session = get_session()",
        "match get_session():\n        case found: pass",
        "return get_sessions()[0].get('')",
        "sessions = get_sessions()\n    return sessions.pop()",
        "return stock.api.Api(session=x) if (x := get_session()) else x",
        "Stock, other = Api, 1\n    return Stock(get_session())",
        "for Stock in [Api]: Stock(get_session())",
        "try: pass\n    except (yield) as Stock: Stock(get_session())",
        "def inner(Stock): Stock(get_session())",
        "def Stock(session): session.get('')\n    Stock(get_session())",
        "match 1:\n        case Stock: Stock(get_session())",
        "match 1:\n        case {**Stock}: Stock(get_session())",
        "[Stock(get_session()) for Stock in [Api]]",
        "lambda Stock: Stock(get_session())",
        "Stock = Api\n    return Stock(get_session())",
        "return Api(None).session.get('')",
        "from api import Entering\n    with Entering() as session: session.get('')",
        "aiohttp.ClientSession()",
        "return Stock(*[get_session()])",
        "return Stock(**{'session': get_session()})",
        "return (yield get_session())",
    ],
)
def test_others_are_looked_into(body: str, tmp_path: Path) -> None:
    text = f"{IMPORTS}\ndef f():\n    {body}\n"
    compile(text, "subject.py", "exec")
    assert is_visited(tmp_path, text)


@pytest.mark.parametrize("star", ["from helper import *", "from stock import *"])
def test_names_that_nothing_tells(star: str, tmp_path: Path) -> None:
    assert is_visited(tmp_path, f"import aiohttp\n{star}\n")


def test_what_a_bystander_imports_is_imported_from_it(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(
        "from subject import made\n\ndef f():\n    made().get('https://stock.example', timeout=None)\n"
    )
    assert not is_visited(tmp_path, "from helper import get_session as made\n")
    found = Run(select([tmp_path], tmp_path), Config(), tmp_path).check(registry.rules().values())
    paths = [each.place.path.rpartition("/")[2] for each in found.findings if each.code == "SVC103"]
    assert paths == ["api.py", "user.py"]


@pytest.mark.parametrize(
    "text", ["def f(:", "\0", "x" * (LARGEST + 1), "f = (" + "-" * 20_000 + "1)", "a" + "()" * 25_000]
)
def test_what_the_interpreter_cannot_read(text: str) -> None:
    assert flows(text) is None


def test_the_checked_code_warns_nobody(recwarn: pytest.WarningsRecorder) -> None:
    assert flows("x = '\\d'\nif x is 3: pass\n") is not None
    assert not recwarn.list
