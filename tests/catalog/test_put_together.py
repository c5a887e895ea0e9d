"""What a data file says of other entries changes these, and what is proven: each such fact is left out once.

They are copies (``like``), transports and makers that a client is told of, and what holds for other versions.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from servicelint.catalog import shipped
from servicelint.catalog.shipped import conditions_held, shipped_libraries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicelint.catalog.model import Condition, Library

FILES = dict(shipped._data_files())
TOLD = ("like", "when", "plain_transports", "makers")
OF_THE_CONDITION = ("versions", "proven", "notes")
Path = tuple[Any, ...]


def facts() -> Iterator[Path]:
    """Where files say something of other entries."""
    for file, tables in FILES.items():
        for group in ("senders", "clients"):
            yield from (
                (file, group, name, "like") for name, each in tables.get(group, {}).items() if "like" in each
            )
        for group in ("plain-transports", "makers"):
            yield from ((file, group, name) for name in tables.get(group, {}))
        for number, when in enumerate(tables.get("when", ())):
            yield from (
                (file, "when", number, *path) for path in _leaves(when) if path[0] not in OF_THE_CONDITION
            )


def _leaves(table: dict[str, Any]) -> Iterator[Path]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from ((key, *path) for path in _leaves(value))
        else:
            yield (key,)


def put_together(monkeypatch: pytest.MonkeyPatch, fact: Path, *, is_left_out: bool) -> Any:
    """What is known of all libraries, with a fact or without it; None if that fits no model.

    The condition holds that the fact is part of.
    """
    files = copy.deepcopy(FILES)
    held = frozenset[tuple[str, str]]()
    if fact[1] == "when":
        tables = files[fact[0]]
        held = frozenset({(tables["library"], tables["when"][fact[2]]["versions"])})
    if is_left_out:
        table: Any = files
        for step in fact[:-1]:
            table = table[step]
        del table[fact[-1]]
    monkeypatch.setattr(shipped, "_data_files", lambda: iter(files.items()))
    try:
        return [_composed(msgspec.to_builtins(each)) for each in shipped_libraries.__wrapped__(held)]
    except (msgspec.ValidationError, KeyError):
        return None


def _composed(value: Any) -> Any:
    """What is said of entries, however it came to them."""
    if isinstance(value, dict):
        return {name: _composed(each) for name, each in value.items() if name not in TOLD}
    return [_composed(each) for each in value] if isinstance(value, list | tuple) else value


def test_each_fact_on_other_entries_changes_what_is_known_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    unchanged = [
        fact
        for fact in facts()
        if put_together(monkeypatch, fact, is_left_out=True)
        == put_together(monkeypatch, fact, is_left_out=False)
    ]
    assert unchanged == []


CONDITIONS = [(library, when) for library in shipped_libraries() for when in library.when]


@pytest.mark.parametrize(
    ("library", "when"), CONDITIONS, ids=lambda each: getattr(each, "versions", "") or each.title
)
def test_a_condition_holds_for_the_versions_that_it_was_run_with_and_not_for_the_newest(
    library: Library, when: Condition
) -> None:
    def holds(version: str) -> bool:
        held = conditions_held([library], {library.distribution: f"=={version}"})
        return (library.library, when.versions) in held

    assert all(map(holds, when.proven))
    assert not any(map(holds, library.proven))
