"""How the data files are put together: entries that are like others, and what holds for other versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicelint.catalog.model import Condition, Library
from servicelint.catalog.shipped import conditions_held, merged, packed, shipped_libraries, unpacked
from servicelint.config import Config
from servicelint.knowledge import Knowledge
from servicelint.sources.cache import Cache

if TYPE_CHECKING:
    from pathlib import Path

OLD = Condition(versions="<1.0", proven=("0.9",), absent=("acme.New",))
ACME = Library(library="acme", title="Acme", distribution="acme-http", proven=("1.1", "2.0"), when=(OLD,))
HELD = frozenset({("acme", "<1.0")})


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        ("==0.9", HELD),
        ("==0.2.1", HELD),
        ("==1.0rc1", frozenset()),
        ("==1.1", frozenset()),
        ("<1", HELD),
        ("==0.9.*", HELD),
        ("~=0.9", HELD),
        (">=0.5", frozenset()),
        (">=0.5,<2", frozenset()),
        ("!=2.0,<1", HELD),
        ("<0.5", frozenset()),
    ],
)
def test_which_conditions_hold(specifier: str, expected: frozenset[tuple[str, str]]) -> None:
    assert conditions_held([ACME], {"acme-http": specifier}) == expected


def test_unknown_means_newest() -> None:
    assert conditions_held([ACME], {"another": "==0.9"}) == frozenset()


def test_tables_merge_and_methods_are_replaced_by_name_where_they_stood() -> None:
    base = {"blocking": True, "methods": [{"names": ["get", "post"], "url": 0}, {"names": ["send"]}]}
    change = {"url": 1, "methods": [{"names": ["post"], "url": 2}, {"names": ["fetch"]}]}
    assert merged(base, change) == {
        "blocking": True,
        "url": 1,
        "methods": [
            {"names": ["post"], "url": 2},
            {"names": ["get"], "url": 0},
            {"names": ["send"]},
            {"names": ["fetch"]},
        ],
    }


def test_what_is_like_another_has_its_facts_but_not_its_names() -> None:
    clients = {name: client for each in shipped_libraries() for name, client in each.clients.items()}
    base, likened = clients["requests.Session"], clients["requests_toolbelt.sessions.BaseUrlSession"]
    assert (likened.methods, likened.mounting) == (base.methods, base.mounting)
    assert not likened.aliases
    assert not likened.factories


def test_packed_libraries_are_the_same() -> None:
    assert unpacked(packed()) == shipped_libraries()


def test_a_project_gets_what_its_versions_do(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("hishel==0.1.5\n")
    knowledge = Knowledge(tmp_path, "test", Cache(tmp_path / "cache"))
    assert knowledge.held
    known = knowledge.catalog(Config())
    assert known.knows("hishel.CacheClient")
    assert not known.knows("hishel.httpx.CacheClient")
    assert known.meaning("hishel.CacheClient", "seconds") == known.meaning("httpx.Client", "seconds")
    newest = Knowledge(tmp_path / "cache", "test", None)
    assert not newest.held
    assert newest.catalog(Config()).knows("hishel.httpx.CacheClient")


def test_a_damaged_snapshot_is_made_anew(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("catalog", b"test []", b"damaged")
    cache.save()
    assert Knowledge(tmp_path, "test", cache).libraries == shipped_libraries()
    cache.close()
