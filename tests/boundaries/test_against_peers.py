"""The import graph against grimp's, the verdicts against import-linter's and tach's.

On packages that hypothesis makes up, and on some that the tests install anyway. ``SERVICELINT_PEERS=full``
takes larger ones as well (minutes); further ones can be named in the environment, as
``SERVICELINT_PACKAGES=folder/package:folder/package``. What differs, and why:

- A module that imports itself is an edge for grimp and none for us.
- Modules in a folder without ``__init__.py`` inside a package are not seen by grimp (left out).
- Files with a dot in their names, which no import can name, are not seen by grimp (left out).
- Attributes of packages and literal calls are no statements: grimp sees neither (left out of the comparison).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.boundaries.peers import (
    Package,
    grimps_direct,
    independent_pairs,
    layer_pairs,
    layered,
    our_boundaries,
    our_chained_pairs,
    our_crossings,
    our_places,
    tachs_places,
)

pytestmark = pytest.mark.slow
pytest.importorskip("grimp")

SMALL = ("astroid", "eventlet", "rich", "trio", "werkzeug")
LARGE = (
    "botocore", "celery", "django", "gevent", "hypothesis", "libcst", "litestar", "networkx", "pip",
    "pydantic", "pygments", "pylint", "sanic", "setuptools", "sqlalchemy", "sqlglot", "starlette", "tornado",
)  # fmt: skip
INSTALLED = SMALL + LARGE if os.environ.get("SERVICELINT_PEERS") == "full" else SMALL
ENOUGH = 100
"""Violations that the contracts of a package of more than 100 modules should come to."""


def packages() -> list[Package]:
    """The installed packages, and those named in the environment."""
    found = []
    for name in INSTALLED:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            found.append(Package(Path(spec.submodule_search_locations[0]).parent, name))
    for named in filter(None, os.environ.get("SERVICELINT_PACKAGES", "").split(":")):
        folder, _, name = named.rpartition("/")
        found.append(Package(Path(folder), name))
    return found


PACKAGES = [pytest.param(package, id=package.name) for package in packages()]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_graph_is_grimps(package: Package) -> None:
    ours, theirs = package.our_edges(), package.grimps_edges()
    assert {edge: lines for edge, lines in ours.items() if theirs.get(edge) != lines} == {}
    assert sorted(theirs.keys() - ours.keys()) == []
    print(f"\n{package.name}: {len(package.selection.targets)} modules, {len(ours)} edges")


@pytest.mark.parametrize("package", PACKAGES)
def test_the_verdicts_are_import_linters(package: Package) -> None:
    graph, violations = package.graph(), 0
    for seed in range(5):
        contract = package.random_contract(seed)
        direct = our_crossings(our_boundaries(package, contract))
        assert direct == grimps_direct(graph, contract)
        violations += len(direct)
        apart = contract._replace(allowed=frozenset())
        pairs = our_chained_pairs(our_boundaries(package, apart))
        assert pairs == independent_pairs(graph, apart)
        layers = layered(contract.services)
        assert our_chained_pairs(our_boundaries(package, layers)) == layer_pairs(graph, layers)
    print(f"\n{package.name}: {violations} violations in direct imports")
    assert violations >= ENOUGH or len(package.selection.targets) < ENOUGH


@pytest.mark.parametrize("package", PACKAGES)
def test_the_verdicts_are_tachs(package: Package, tmp_path: Path) -> None:
    pytest.importorskip("tach")
    for file in package.selection.targets:
        copy = tmp_path / file.relative_to(package.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    contract = package.random_contract(0)
    ours = our_places(our_boundaries(package, contract), package.folder)
    theirs = tachs_places(package, contract, tmp_path)
    print(f"\n{package.name}: {len(theirs)} violations by tach")
    assert sorted(ours ^ theirs) == []


# --- packages made up ----------------------------------------------------------------------------

MODULES = ("a", "a.b", "a.b.c", "a.b.d", "a.e", "a.e.f", "a.e.f.g", "a.h")
PARENTS = {name for name in MODULES if any(other.startswith(f"{name}.") for other in MODULES)}
NAMES = st.sampled_from([*MODULES, "a.b.missing", "a.missing.b", "other", "other.a", "a.e.x.y"])


def from_import(dots: int, origin: str, name: str) -> str:
    return f"from {'.' * dots}{origin or ('' if dots else 'a')} import {name}"


STATEMENTS = (
    NAMES.map(lambda name: f"import {name}")
    | st.builds(lambda name, other: f"import {name} as x, {other}", NAMES, NAMES)
    | st.builds(
        from_import, st.integers(0, 3), st.sampled_from(["", "a", "b", "b.c", "e.f", "h"]),
        st.sampled_from(["b", "c", "e", "f", "h", "x", "*", "(b,\n    c)", "b as z, e"]),
    )
)  # fmt: skip
CONTEXTS = st.sampled_from([
    "{}", "def f():\n    {}", "try:\n    {}\nexcept ImportError:\n    pass", "if TYPE_CHECKING:\n    {}",
    "if x:\n    pass\nelse:\n    {}", "x = 1; {}", "'''\n{}\n'''", "class C:\n    {}",
])  # fmt: skip


def in_context(context: str, statement: str) -> str:
    """A statement in its place; one with a star stands at the first level."""
    return statement if "*" in statement else context.format(statement)


TEXTS = st.lists(st.builds(in_context, CONTEXTS, STATEMENTS), max_size=4).map("\n".join)


def kept_inside(text: str, name: str) -> str:
    """The text without dots that lead out of the package: grimp 3.19 panics there."""
    most = name.count(".") + (name in PARENTS)
    return re.sub(r"(?<=from )\.+", lambda dots: dots[0][:most], text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.fixed_dictionaries(dict.fromkeys(MODULES, TEXTS)))
def test_the_graph_of_any_package_is_grimps(
    texts: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("made")
    for name, text in texts.items():
        path = folder / name.replace(".", "/")
        file = path / "__init__.py" if name in PARENTS else path.with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{kept_inside(text, name)}\n", "utf-8")
    package = Package(folder, "a")
    assert package.our_edges() == package.grimps_edges()
