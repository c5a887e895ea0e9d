"""What every file of the repository keeps to."""

from __future__ import annotations

import ast
import re
import statistics
import sys
from pathlib import Path

import pytest

from servicelint import registry
from servicelint.rule import SECTIONS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
CHECKERS = sorted((ROOT / "checkers").glob("*.py"))
RULE_FILES = [path for path in CHECKERS if path.name != "__init__.py"]

LONGEST_FILE = 400
MEDIAN_FUNCTION = 12
LONGEST_CHECKER = 60


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def function_lengths(path: Path) -> list[int]:
    """How many lines each function has, decorators and documentation left out."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    lengths = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, functions):
            text = node.body[0] if ast.get_docstring(node) else None
            documented = text.end_lineno - text.lineno + 1 if text else 0
            lengths.append(node.end_lineno - node.lineno + 1 - documented)
    return lengths


# --- rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", RULE_FILES, ids=relative)
def test_a_file_in_checkers_is_a_rule(path: Path) -> None:
    code, name = path.stem.upper()[:6], path.stem[7:].replace("_", "-")
    rule = registry.rules()[code]
    assert re.fullmatch(r"svc\d{3}_[a-z0-9_]+", path.stem)
    assert (rule.code, rule.name) == (code, name)


@pytest.mark.parametrize("rule", registry.rules().values(), ids=lambda rule: rule.code)
def test_a_rule_is_documented(rule: registry.Rule) -> None:
    assert re.match(r"[A-Z].*\.\Z", rule.summary)
    for section in SECTIONS:
        assert re.search(rf"^{section}: \S", rule.documentation, re.MULTILINE)


def test_rules_have_names_of_their_own() -> None:
    rules = registry.rules().values()
    assert len(rules) == len(RULE_FILES)
    for key in ("code", "name", "pylint_id", "summary"):
        assert len({getattr(rule, key) for rule in rules}) == len(rules), key


@pytest.mark.parametrize("path", RULE_FILES, ids=relative)
def test_a_rule_is_short_and_imports_only_the_facade(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST_CHECKER
    assert set(re.findall(r"^(?:from|import) (servicelint[\w.]*)", text, re.MULTILINE)) == {
        "servicelint.rule"
    }


# --- size ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_file_can_be_read_in_one_go(path: Path) -> None:
    assert path.read_text("utf-8").count("\n") <= LONGEST_FILE


def test_functions_are_short() -> None:
    lengths = [length for path in (*SOURCES, *CHECKERS) for length in function_lengths(path)]
    assert statistics.median(lengths) < MEDIAN_FUNCTION


def test_named_tuples_have_no_other_base() -> None:
    """Python 3.10 refuses them when the class is made; that takes a run under it to notice."""
    pattern = re.compile(r"^class \w+\((?:NamedTuple, .*|.*, NamedTuple\b.*)\):", re.MULTILINE)
    for path in (*SOURCES, *CHECKERS):
        assert pattern.findall(path.read_text("utf-8")) == [], relative(path)


# --- doors ---------------------------------------------------------------------------------------

FORBIDDEN = {
    "facts": "boundaries|program|report|hosts|sources|run|registry|checkers",
    "program": "report|hosts|sources|run|registry|checkers|rule",
    "boundaries": "report|hosts|sources|run|registry|checkers|rule",
    "catalog": "facts|program|report|hosts|sources|run|registry|checkers",
    "report": "hosts|checkers",
}


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_layers(folder: str) -> None:
    pattern = re.compile(rf"^\s*(?:from|import) servicelint\.(?:{FORBIDDEN[folder]})\b.*$", re.MULTILINE)
    for path in sorted((ROOT / "src" / "servicelint" / folder).glob("*.py")):
        assert pattern.findall(path.read_text("utf-8")) == [], relative(path)


# --- packaging and papers ------------------------------------------------------------------------


def test_every_package_is_declared() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = {path.parent.relative_to(ROOT / "src").as_posix().replace("/", ".") for path in SOURCES}
    assert set(settings["tool"]["setuptools"]["packages"]) == packages | {"servicelint.checkers"}


def test_the_continuous_integration_runs_the_readmes_command() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    script = (ROOT / ".ci" / "run").read_text("utf-8").replace('"$scratch/venv/bin/pip"', ".venv/bin/pip")
    script = script.replace('"$scratch/venv/bin/python"', ".venv/bin/python").replace(" --quiet", "")
    [command] = re.findall(r"^python -m venv \.venv && (.*-m pytest)$", readme, re.MULTILINE)
    assert all(part in script.splitlines() for part in command.split(" && "))


FRAGMENT = re.compile(r"\d+(?:\.\d+)?\.(?:new|changed|fixed|removed)\.md")


def test_changes_are_fragments() -> None:
    names = [path.name for path in (ROOT / "docs" / "changes").iterdir() if path.name != "README.md"]
    assert names
    assert [name for name in names if not FRAGMENT.fullmatch(name)] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/index.md", "docs/changes/README.md"])
def test_links_in_papers_lead_somewhere(name: str) -> None:
    path = ROOT / name
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text("utf-8"))
    assert [each for each in targets if "://" not in each and not (path.parent / each).exists()] == []
