"""Sound uses of breakers, and what finds each way to spoil one: on small services, and on the shop.

Spoiled once, the one rule that is meant speaks; undone, none does.
"""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from servicelint import registry
from servicelint.config import Config
from servicelint.run import Run
from servicelint.sources.discovery import select

SHOP = Path(__file__).parents[2] / "fixtures" / "shop" / "src"
RULES = ("SVC201", "SVC202", "SVC203", "SVC205")


class Library(NamedTuple):
    """How a library guards a function: its import, the making of a breaker, and one that counts nothing."""

    name: str
    imports: str
    made: str
    decorator: str
    uncounting: str
    is_async: bool = False


LIBRARIES = [
    Library("pybreaker", "import pybreaker", "pybreaker.CircuitBreaker(fail_max=3)", "@breaker",
            "pybreaker.CircuitBreaker(fail_max=3, exclude=[Exception])"),
    Library("circuitbreaker", "import circuitbreaker", "circuitbreaker.CircuitBreaker(failure_threshold=3)",
            "@breaker", "circuitbreaker.CircuitBreaker(failure_threshold=3, expected_exception=KeyError)"),
    Library("aiobreaker", "import aiobreaker", "aiobreaker.CircuitBreaker(fail_max=3)", "@breaker",
            "aiobreaker.CircuitBreaker(fail_max=3, exclude=[Exception])", is_async=True),
    Library("purgatory", "import purgatory", "purgatory.AsyncCircuitBreakerFactory(default_threshold=3)",
            '@breaker("users")', "purgatory.AsyncCircuitBreakerFactory(exclude=[Exception])", is_async=True),
    Library("aiomisc", "import aiomisc", "aiomisc.cutout(0.5, 10, Exception)", "@breaker",
            "aiomisc.cutout(0.5, 10, KeyError)"),
]  # fmt: skip

SOUND = """\
import requests, httpx
from fastapi import FastAPI
{imports}

app = FastAPI()
client = httpx.AsyncClient(timeout=5)
breaker = {made}


{decorator}
def fetch(number):
    answer = requests.get(f"http://users:8001/users/{{number}}", timeout=5)
    answer.raise_for_status()
    return answer.json()


@app.get("/users/{{number}}")
def user(number: int):
    return fetch(number)
"""


def sound(library: Library) -> str:
    """A service with one guarded call."""
    text = SOUND.format(imports=library.imports, made=library.made, decorator=library.decorator)
    if library.is_async:
        text = text.replace("\ndef fetch", "\nasync def fetch").replace("requests.get", "await client.get")
        text = text.replace("\ndef user", "\nasync def user").replace("return fetch", "return await fetch")
    return text


def unguarded(text: str, library: Library) -> str:
    """The decorator taken away; another function keeps the breaker in use."""
    return text.replace(f"{library.decorator}\n", "") + f"\n\n{library.decorator}\ndef other():\n    pass\n"


def swallowing(text: str, _: Library) -> str:
    """The failure caught before the breaker sees it."""
    start, rest = text.split("fetch(number):\n", 1)
    body, end = rest.split("\n\n\n", 1)
    caught = textwrap.indent(body, "    ")
    return f"{start}fetch(number):\n    try:\n{caught}\n    except Exception:\n        return None\n\n\n{end}"


def made_inside(text: str, library: Library) -> str:
    """The breaker made, and used up, in the handler."""
    text = text.replace(f"breaker = {library.made}\n", "").replace(f"{library.decorator}\n", "")
    asynchronous = "async " if library.is_async else ""
    waiting = "await " if library.is_async else ""
    inside = f"""\
    breaker = {library.made}

    {library.decorator}
    {asynchronous}def guarded():
        return {waiting}fetch(number)

    return {waiting}guarded()
"""
    return text.replace(f"    return {waiting}fetch(number)\n", inside)


def uncounting(text: str, library: Library) -> str:
    """Another error counted than the one that comes."""
    return text.replace(library.made, library.uncounting)


MUTATIONS = {
    "remove the guard": (unguarded, "SVC201"),
    "swallow the failure": (swallowing, "SVC203"),
    "move the construction inside": (made_inside, "SVC202"),
    "count the wrong error": (uncounting, "SVC203"),
}


def found(folder: Path) -> list[str]:
    """The codes of the breaker rules that speak of a program."""
    rules = [rule for rule in registry.rules().values() if rule.code in RULES]
    return [finding.code for finding in Run(select([folder], folder), Config(), folder).check(rules).findings]


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_way_to_spoil_a_breaker_is_found_and_undone_is_silent(
    library: Library, mutation: str, tmp_path: Path
) -> None:
    spoil, code = MUTATIONS[mutation]
    service = tmp_path / "service.py"
    service.write_text(sound(library))
    assert found(tmp_path) == []
    service.write_text(spoil(sound(library), library))
    assert found(tmp_path) == [code]


GUARD = "import pybreaker\n\nbreaker = pybreaker.CircuitBreaker(fail_max=3)\n\n\n@breaker\ndef exists("


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the shop whose order service asks the user service over a breaker."""
    shutil.copytree(SHOP, tmp_path / "src")
    customers = tmp_path / "src" / "shop" / "orders" / "customers.py"
    customers.write_text(customers.read_text("utf-8").replace("def exists(", GUARD))
    return tmp_path


def told_of_customers(shop: Path) -> list[str]:
    """What is found where the order service asks for its customers."""
    rules = [rule for rule in registry.rules().values() if rule.code in RULES]
    findings = Run(select([shop], shop), Config(), shop).check(rules).findings
    return [finding.code for finding in findings if finding.place.path.endswith("customers.py")]


SHOP_MUTATIONS = {
    "remove the guard": ("@breaker\ndef", "@breaker\ndef ping():\n    return None\n\n\ndef", "SVC201"),
    "swallow the failure": (
        '    answer = _users.get(f"{settings.USERS_URL}/users/{user_id}")\n',
        '    try:\n        answer = _users.get(f"{settings.USERS_URL}/users/{user_id}")\n'
        "        answer.raise_for_status()\n    except Exception:\n        return False\n    return True\n\n\n"  # noqa: E501
        "def _parsed(answer):\n",
        "SVC203",
    ),
    "count the wrong error": ("fail_max=3", "fail_max=3, exclude=[Exception]", "SVC203"),
}


@pytest.mark.parametrize("mutation", SHOP_MUTATIONS)
def test_each_way_to_spoil_the_shops_breaker_is_found(mutation: str, shop: Path) -> None:
    before, after, code = SHOP_MUTATIONS[mutation]
    customers = shop / "src" / "shop" / "orders" / "customers.py"
    text = customers.read_text("utf-8")
    assert before in text
    assert told_of_customers(shop) == []
    customers.write_text(text.replace(before, after))
    assert told_of_customers(shop) == [code]
    customers.write_text(text)
    assert told_of_customers(shop) == []
