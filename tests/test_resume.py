"""Going on from an earlier run says what a run from nothing says, whatever was edited in between."""

from __future__ import annotations

import ast
import contextlib
import random
import re
import shutil
import sqlite3
from typing import TYPE_CHECKING, TypeAlias

import pytest

from servicelint import registry
from servicelint.config import Config
from servicelint.program.linking.vocabulary import HELD
from servicelint.resume import MOST_CHANGED
from servicelint.run import Run
from servicelint.sources.cache import Cache
from servicelint.sources.discovery import select
from servicelint.sources.shown_paths import shown_path
from tests.fixtures.projects import FIXTURES, projects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from servicelint.finding import Finding
    from servicelint.program.linking.reads import Leaf, Node
    from servicelint.result import Result

EDITS = 12
"""Edits of one program, each checked on top of those before."""

MOVED = 0.3
"""The share of them after which the program has other files."""

PROJECTS = [project.path for project in projects() if project.path.is_dir()]
CROWDS = [folder for folder in sorted(FIXTURES.glob("svc*/*")) if any(folder.glob("*.py"))]


@pytest.fixture(
    params=[*PROJECTS, *CROWDS, FIXTURES / "shop" / "src"], ids=lambda path: f"{path.parent.name}/{path.name}"
)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    copy = tmp_path / "program"
    shutil.copytree(request.param, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


class Checked:
    """A program that is checked over and over with one cache."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache

    def run(self, *, is_cached: bool) -> tuple[Result, bool]:
        """The result, and whether it was found by going on from an earlier run."""
        cache = Cache(self.cache) if is_cached else None
        run = Run(select([self.folder], self.folder), Config(), self.folder, cache)
        result = run.check(registry.rules().values())
        if cache:
            cache.close()
        return result, run._earlier is not None


def test_incremental_is_from_scratch(folder: Path, tmp_path: Path) -> None:
    chosen = random.Random(folder.name)
    checked = Checked(folder, tmp_path / "cache")
    checked.run(is_cached=True)
    for number in range(EDITS):
        what = edit_or_move(folder, chosen)
        found, _ = checked.run(is_cached=True)
        expected, _ = checked.run(is_cached=False)
        assert found == expected, f"edit {number}: {what}"


# --- edits ---------------------------------------------------------------------------------------


def edit_or_move(folder: Path, chosen: random.Random) -> str:
    """Change, write, move or remove one file; tells what was done."""
    if chosen.random() > MOVED:
        return edit(folder, chosen)
    files = sorted(folder.rglob("*.py"))
    return chosen.choice([written, moved, removed][: len(files)])(folder, chosen.choice(files), chosen)


def edit(folder: Path, chosen: random.Random) -> str:
    """Change one file; tells what was done."""
    files = sorted(folder.rglob("*.py"))
    file = chosen.choice(files)
    change = chosen.choice(CHANGES)
    before = file.read_bytes().decode("latin-1")
    after = change(before, chosen, [other.read_bytes().decode("latin-1") for other in files])
    file.write_bytes(after.encode("latin-1"))
    return f"{change.__name__} in {file.relative_to(folder)}"


def written(folder: Path, file: Path, chosen: random.Random) -> str:
    """Write a file that says what another says, or make a folder a package."""
    place = _place(folder, chosen)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(file.read_bytes())
    return f"{place.relative_to(folder)} is written as {file.relative_to(folder)}"


def moved(folder: Path, file: Path, chosen: random.Random) -> str:
    place = _place(folder, chosen)
    place.parent.mkdir(parents=True, exist_ok=True)
    file.replace(place)
    return f"{file.relative_to(folder)} is moved to {place.relative_to(folder)}"


def removed(folder: Path, file: Path, _: random.Random) -> str:
    file.unlink()
    return f"{file.relative_to(folder)} is removed"


def _place(folder: Path, chosen: random.Random) -> Path:
    """Where a file is or might be: names that imports ask for among them."""
    files = sorted(folder.rglob("*.py"))
    beside = chosen.choice(files).parent
    imported = re.findall(r"(?:import|from) +\.*(\w+)", chosen.choice(files).read_text("latin-1"))
    names = [*imported, "__init__", *(file.stem for file in files)]
    folders = [beside, folder, beside / chosen.choice(names)]
    return chosen.choice(folders) / f"{chosen.choice(names)}.py"


def statements(text: str) -> list[tuple[int, int]]:
    """The first and last lines of the statements at the top of a file and of its classes."""
    try:
        tree = ast.parse(text.encode("latin-1"))
    except (SyntaxError, ValueError):
        return []
    bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    return [(node.lineno, node.end_lineno or node.lineno) for body in bodies for node in body]


def without_a_statement(text: str, chosen: random.Random, _: list[str]) -> str:
    found = statements(text)
    if not found:
        return text
    first, last = chosen.choice(found)
    lines = text.splitlines(keepends=True)
    return "".join(
        [*lines[: first - 1], "pass\n" if lines[first - 1][:1].strip() else "    pass\n", *lines[last:]]
    )


def emptied(_: str, __: random.Random, ___: list[str]) -> str:
    return ""


def replaced(_: str, chosen: random.Random, others: list[str]) -> str:
    return chosen.choice(others)


def with_another(text: str, chosen: random.Random, others: list[str]) -> str:
    return f"{text}\n{chosen.choice(others)}"


def renamed(text: str, chosen: random.Random, others: list[str]) -> str:
    names = sorted(
        set(re.findall(r"\b[a-z_]{4,}\b", text)) - {"import", "from", "class", "return", "timeout"}
    )
    there = sorted(set(re.findall(r"\b[a-z_]{4,}\b", chosen.choice(others))))
    return re.sub(rf"\b{chosen.choice(names)}\b", chosen.choice(there), text) if names and there else text


def unbounded(text: str, _: random.Random, __: list[str]) -> str:
    return re.sub(r"timeout=[\w.]+", "timeout=None", text)


def bounded(text: str, _: random.Random, __: list[str]) -> str:
    return re.sub(r"timeout=[\w.]+|timeout: float \| None = None", "timeout=7.5", text)


def longer(text: str, _: random.Random, __: list[str]) -> str:
    return f"# moved\n\n\n{text}"


CHANGES: list[Callable[[str, random.Random, list[str]], str]] = [
    without_a_statement,
    without_a_statement,
    without_a_statement,
    emptied,
    replaced,
    with_another,
    renamed,
    renamed,
    unbounded,
    bounded,
    longer,
]


@pytest.mark.parametrize("seed", range(2))
def test_one_file_alone_is_judged_as_among_all(tmp_path: Path, seed: int) -> None:
    chosen = random.Random(seed)
    folder = tmp_path / "program"
    shutil.copytree(FIXTURES / "shop" / "src", folder, ignore=shutil.ignore_patterns("__pycache__"))
    checked = Checked(folder, tmp_path / "cache")
    checked.run(is_cached=True)
    for _ in range(EDITS // 4):
        edit(folder, chosen)
        expected = checked.run(is_cached=False)[0].findings
        loud = {finding.place.path for finding in expected}
        for file in sorted(folder.rglob("*.py")):
            path = shown_path(file.as_posix())
            if path in loud or chosen.random() < MOVED:
                found = alone(checked, file)
                assert found is None or found == [each for each in expected if each.place.path == path]


def alone(checked: Checked, file: Path) -> list[Finding] | None:
    """What is found in a file, the others left aside; None if that takes a run from nothing."""
    selection = select([checked.folder], checked.folder)
    selection.asked = frozenset({file})
    result = Run(selection, Config(), checked.folder, Cache(checked.cache)).resumed(registry.rules().values())
    return None if result is None else result.findings


@pytest.mark.parametrize("kind", ["words", "outcomes"])
def test_parts_that_another_process_has_replaced_are_not_taken(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "program"
    shutil.copytree(FIXTURES / "shop" / "src", folder, ignore=shutil.ignore_patterns("__pycache__"))
    Checked(folder, tmp_path / "earlier").run(is_cached=True)
    file = min(folder.rglob("*.py"))
    file.with_name("a_first.py").write_text(CALLER)  # all others get another number
    checked = Checked(folder, tmp_path / "cache")
    checked.run(is_cached=True)
    file.write_text(f"{file.read_text()}\nrequests = None\n")
    assert checked.run(is_cached=True)[1]
    rows(checked.cache, kind, rows(tmp_path / "earlier", kind))
    file.write_text(f"{file.read_text()}\nhttpx = None\n")
    result, is_resumed = checked.run(is_cached=True)
    assert not is_resumed
    assert result.findings == checked.run(is_cached=False)[0].findings


Rows: TypeAlias = "Sequence[tuple[bytes, bytes]]"


def rows(cache: Path, kind: str, instead: Rows = ()) -> Rows:
    """What the cache holds of a kind; then it holds ``instead``."""
    with contextlib.closing(sqlite3.connect(Cache(cache).path)) as connection, connection:
        for key, data in instead:
            connection.execute("UPDATE entries SET data = ? WHERE kind = ? AND key = ?", (data, kind, key))
        asked = connection.execute("SELECT key, data FROM entries WHERE kind = ?", (kind,))
        return asked.fetchall()


# --- files that come and go ----------------------------------------------------------------------

CALLER = "from shop.clients import session\n\ndef users():\n    return session.get('http://users')\n"


def test_an_import_is_judged_again_when_its_file_comes_or_goes(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "users.py").write_text(CALLER)
    checked = Checked(folder, tmp_path / "cache")
    assert not checked.run(is_cached=True)[0].findings
    clients = folder / "shop" / "clients.py"
    clients.write_text("import requests\nsession = requests.Session()\n")
    result, is_resumed = checked.run(is_cached=True)
    assert is_resumed
    assert [finding.place.line for finding in result.findings] == [4]
    clients.rename(folder / "shop" / "sessions.py")
    result, is_resumed = checked.run(is_cached=True)
    assert (result.findings, is_resumed) == ([], True)


def test_what_goes_is_not_taken_for_the_library_of_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "requests.py").write_text("from requests import get\n")
    (folder / "shop" / "users.py").write_text("from .requests import get\n\nget('http://users')\n")
    checked = Checked(folder, tmp_path / "cache")
    assert checked.run(is_cached=True)[0].findings
    (folder / "shop" / "requests.py").unlink()
    result, is_resumed = checked.run(is_cached=True)
    assert (result.findings, is_resumed) == ([], True)


def test_most_files_come_and_go_without_a_run_from_nothing(tmp_path: Path) -> None:
    chosen, resumed = random.Random(7), 0
    folder = tmp_path / "program"
    shutil.copytree(FIXTURES / "shop" / "src", folder, ignore=shutil.ignore_patterns("__pycache__"))
    checked = Checked(folder, tmp_path / "cache")
    checked.run(is_cached=True)
    for _ in range(EDITS):
        moved(folder, chosen.choice(sorted(folder.rglob("*.py"))), chosen)
        resumed += checked.run(is_cached=True)[1]
    assert resumed > EDITS / 2


@pytest.mark.parametrize(("is_patient", "is_resumed"), [(True, True), (False, False)])
def test_how_much_may_change_where_the_whole_is_checked(
    tmp_path: Path, *, is_patient: bool, is_resumed: bool
) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    for number in range(5 * MOST_CHANGED):
        (folder / f"part{number}.py").write_text("")
    Checked(folder, tmp_path / "cache").run(is_cached=True)
    for number in range(MOST_CHANGED + 1):
        (folder / f"part{number}.py").write_text("import requests\n")
    cache = Cache(tmp_path / "cache")
    run = Run(select([folder], folder), Config(), folder, cache)
    assert (run.resumed(registry.rules().values(), is_patient=is_patient) is not None) == is_resumed
    cache.close()


WRAPPER = "import requests\ndef fetch(url, timeout=None):\n    return requests.get(url, timeout=timeout)\n"


@pytest.mark.parametrize(
    ("files", "edit"),
    [
        pytest.param(
            {"shop/clients.py": "import requests\nsession = requests.Session()\n", "shop/users.py": CALLER},
            {"shop/clients/__init__.py": ""},
            id="a package before a module",
        ),
        pytest.param(
            {"users.py": "import requests\nrequests.get('http://users')\n"},
            {"requests.py": ""},
            id="a module before a library",
        ),
        pytest.param(
            {"api.py": WRAPPER, "users.py": "from api import fetch\nfetch\n"},
            {"users.py": "from api import fetch\nfetch('users')\n"},
            id="a call of what was only named",
        ),
    ],
)
def test_what_no_word_tells(tmp_path: Path, files: dict[str, str], edit: dict[str, str]) -> None:
    folder = tmp_path / "program"
    checked = Checked(folder, tmp_path / "cache")
    counts = []
    for written_now in (files, edit):
        for path, text in written_now.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        result, is_resumed = checked.run(is_cached=True)
        assert result == checked.run(is_cached=False)[0]
        counts.append(len(result.findings))
    assert is_resumed
    assert counts[0] != counts[1]


def test_no_verdict_rests_on_what_all_files_hold(tmp_path: Path) -> None:
    """A question on all files that is asked for every one would have an edit ask for all of them again."""
    folder = tmp_path / "program"
    shutil.copytree(FIXTURES / "shop" / "src", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "plain.py").write_text("TEXT = 'nothing is sent here'\n")
    run = Run(select([folder], folder), Config(), folder)
    run.check(registry.rules().values())
    [plain] = [module for module in run.program.targets if module.path.endswith("/plain.py")]
    kinds = {str(leaf).partition(":")[0] for leaf in everything_below(run.program.checks[plain])}
    assert kinds.isdisjoint({*HELD, "files"})


def everything_below(node: Node) -> set[Leaf]:
    """All that a question rests on."""
    known, pending = {node}, [node]
    while pending:
        new = pending.pop().nodes - known
        known |= new
        pending += new
    return {leaf for each in known for leaf in each.leaves}
