"""What words tell before anything is parsed: too much at most, so each case says what must not be missed."""

from __future__ import annotations

import pytest

from servicelint.facts import words


@pytest.mark.parametrize(
    "text",
    [
        "fetch(1)",
        "fetch (1)",
        "run(fetch)",
        "run(1, fetch, 2)",
        "run(\n    fetch  # last, without a comma (or so)\n)",
        "run(fetch \\\n)",
        "client.fetch(1)",
    ],
)
def test_a_use_is_seen(text: str) -> None:
    assert words.uses(text, "fetch")


@pytest.mark.parametrize(
    "text", ["def fetch(): ...", "prefetch(1)", "fetch.later", "import fetch", "# fetch"]
)
def test_what_is_no_use(text: str) -> None:
    assert not words.uses(text, "fetch")


def test_many_comments_are_read_in_no_time() -> None:
    assert not words.uses("fetch " + "# # # # # # # #\n" * 5_000, "fetch")


@pytest.mark.parametrize(
    "text",
    [
        "from shop import Order as Item",
        "from shop import (Order as\n Item)",
        "Item = Order",
        "Item = shop.Order  # the same",
        "Item: type = Order",
        "a, b = Item, Order",
        "(a, b) = (Order, Item)",
        "Item = (Order)",
        "self.kind = Order",
        "if (kind := Order): ...",
        "a, b = [Order], Order",
    ],
)
def test_another_name_is_seen(text: str) -> None:
    assert words.renames(text, "Order")


@pytest.mark.parametrize(
    "text",
    [
        "def f(order: Order, n: int): ...",
        "def f(order: shop.Order): ...",
        "order: Order\n",
        "order: int | Order\n",
        "orders: list[Order] = []",
        "f(Order)",
        "class Other(Order): ...",
        "Item = Order()",
        "Item = Reorder",
    ],
)
def test_what_gives_no_other_name(text: str) -> None:
    assert not words.renames(text, "Order")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from shop import Order", {"shop.Order"}),
        ("from shop import Order as Item", {"shop.Order"}),
        ("import shop.orders as Item", {"shop.orders"}),
        ("from . import (Other as\n Item)", {".Other"}),
        ("from shop import Items", set()),
    ],
)
def test_what_imports_bring(text: str, expected: set[str]) -> None:
    found = words.brought(text)
    assert found.get("Item", set()) | found.get("Order", set()) >= expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order.lines = []", {"lines"}),
        ("order.lines += []", {"lines"}),
        ("order.lines: list = []", {"lines"}),
        ("self.lines = []; cls.lines = []", set()),
        ("myself.lines = []", {"lines"}),
        ("self.order.lines = []", {"lines"}),
        ("order.lines == []", set()),
        ("order.first, order.last = 1, 2", {"first", "last"}),
        ("setattr(order, 'lines', [])", {"lines"}),
    ],
)
def test_assigned_attributes(text: str, expected: set[str]) -> None:
    assert words.assigned(text) == expected


def test_bases() -> None:
    assert words.base_endings("class A(OrdersServicer): ...\nsubclass B(Other)") == {"Servicer"}


@pytest.mark.parametrize(
    "text",
    [
        "class Item(Order): ...",
        "class Item(shop.Order, Base): ...",
        "class Item(\n    Base,  # and\n    Order[int],\n): ...",
        "class Item[T](Order): ...",
        "from shop import Order as Base",
    ],
)
def test_a_base_is_seen(text: str) -> None:
    assert "Order" in words.bases(text)


@pytest.mark.parametrize("text", ["class Order(Base): ...", "def f(a: Order): ...", "Order()"])
def test_what_is_no_base(text: str) -> None:
    assert "Order" not in words.bases(text)
