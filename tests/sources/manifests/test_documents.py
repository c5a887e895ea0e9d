"""Manifests are not trusted: none of them kills the run, or holds it up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from servicelint.sources.manifests.documents import DEEPEST, documents
from servicelint.sources.manifests.reading import read_manifests

if TYPE_CHECKING:
    from pathlib import Path

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 12)
)
"""A few lines that stand for nine to the twelfth texts."""

DEEP_FLOW = f"nested more than {DEEPEST} deep|while increasing flow level"
"""PyYAML 6.0.4 refuses such brackets by itself, 6.0.3 did not."""

REFUSED = {
    "aliases of aliases": (
        f"{BOMB}services: {{users: {{environment: *a11}}}}\n",
        "its aliases stand for too much",
    ),
    "an alias of itself": ("services: &a {users: *a}\n", "its aliases stand for too much"),
    "brackets": (f"services: {'[' * 100_000}{']' * 100_000}\n", DEEP_FLOW),
    "braces": (f"services: {'{a: ' * 100_000}{'}' * 100_000}\n", DEEP_FLOW),
    "indentation": (
        "".join(f"{' ' * depth}services:\n" for depth in range(500)),
        f"nested more than {DEEPEST} deep",
    ),
    "no YAML": ("services: [\n", "while parsing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    text, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        documents(text)
    (tmp_path / "compose.yaml").write_text(text)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "compose.yaml").write_text("services: {users: {image: users}}\n")
    found = read_manifests(tmp_path)
    assert list(found.deployed) == ["users"], "the others are read"
    [note] = found.notes
    assert note.startswith("compose.yaml: left out, not YAML: ")
    assert re.search(reason, note)


def test_aliases_that_people_write() -> None:
    text = "common: &c {image: shop, environment: &all {A: b}}\nusers: *c\norders: {<<: *c, x: *all}\n"
    [document] = documents(text)
    assert document == {
        "common": {"image": "shop", "environment": {"A": "b"}},
        "users": {"image": "shop", "environment": {"A": "b"}},
        "orders": {"image": "shop", "environment": {"A": "b"}, "x": {"A": "b"}},
    }
