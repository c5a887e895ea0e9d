"""``servicelint init``: what it proposes, what it translates, and that it writes over nothing."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from servicelint.config import Config, decode, read_file
from servicelint.hosts.cli import cli
from tests.fixtures.projects import FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def init(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["init", str(folder), *options])


def proposed(folder: Path, *options: str) -> tuple[Config, list[str]]:
    """The settings that are printed, and the notes before them."""
    done = init(folder, *options)
    assert done.exit_code == 0, done.output
    table: Any = tomllib.loads(done.stdout)
    notes = [line.removeprefix("# ") for line in done.stdout.splitlines() if line.startswith("# ")]
    return decode(table.get("tool", {}).get("servicelint", table), folder / "x.toml", ""), notes


def services(config: Config) -> dict[str, tuple[tuple[str, ...], dict[str, Any]]]:
    return {name: (each.modules, dict(each.depends_on)) for name, each in config.services.items()}


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


# --- finding -------------------------------------------------------------------------------------


def test_the_shop(tmp_path: Path) -> None:
    shop = shutil.copytree(FIXTURES / "shop", tmp_path / "shop")
    declared = (shop / "pyproject.toml").read_text("utf-8")
    (shop / "pyproject.toml").write_text(declared.partition("[tool.servicelint]")[0], "utf-8")
    config, notes = proposed(shop)
    found = services(config)
    assert found["gateway"] == (
        ("shop.gateway",),
        {"orders": ("http", "import"), "products": ("grpc", "import"), "users": ("http", "import")},
    )
    assert found["users"] == (("shop.users",), {"gateway": "import"})
    assert found["orders"] == (("shop.orders",), {"products": ("grpc", "import"), "users": "http"})
    assert config.services["users"].hosts == ("users",)
    assert config.shared == ("shop.common",)
    assert "gateway imports users today (2): keep or cut it" in notes


def test_what_is_proposed_is_kept_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = shutil.copytree(FIXTURES / "shop", tmp_path / "shop")
    declared = (shop / "pyproject.toml").read_text("utf-8")
    (shop / "pyproject.toml").write_text(declared.partition("[tool.servicelint]")[0], "utf-8")
    assert init(shop, "--write").exit_code == 0
    monkeypatch.chdir(shop)
    done = CliRunner().invoke(cli, ["check", "--no-cache", "--select", "SVC4", "--format", "json", "."])
    codes = {finding["code"] for finding in json.loads(done.stdout)["findings"]}
    assert codes == {"SVC403", "SVC408"}  # a loop there is, and a way through shared code


def test_two_services_of_one_folder_and_two_packages_of_one_name(tmp_path: Path) -> None:
    compose = {
        "users": {"build": "users", "command": "uvicorn app.main:app"},
        "setup": {"build": "jobs", "command": "airflow db init"},
        "worker": {"build": "jobs", "command": "airflow celery worker"},
        "mail": {"image": "mail", "command": "python -m app.main"},
    }
    (tmp_path / ".git").mkdir()
    write(
        tmp_path,
        **{"compose.yaml": json.dumps({"services": compose})},
        **dict.fromkeys(
            ("users/app/__init__.py", "users/app/main.py", "jobs/dag.py", "users/Dockerfile"), ""
        ),
        **dict.fromkeys(("mail/app/__init__.py", "mail/app/main.py", "mail/Dockerfile"), ""),
    )
    config, notes = proposed(tmp_path)
    assert services(config) == {
        "users": (("users/",), {}), "setup": (("jobs/",), {}), "mail": (("mail/",), {}),
    }  # fmt: skip
    assert "worker is built from the folder of setup: left out" in notes


MONOREPO = {
    "services/orders/Dockerfile": "", "services/orders/app/__init__.py": "",
    "services/orders/app/main.py": "import money\nimport ledger\nURL = 'http://localhost:80'\n",
    "services/billing/Dockerfile": "", "services/billing/app/__init__.py": "",
    "services/billing/ledger/__init__.py": "",
    "services/billing/app/main.py": "import money\n",
    "libs/money/pyproject.toml": "", "libs/money/money/__init__.py": "", "scripts/make.py": "",
    "libs/money/money/tracing/__init__.py": "", "libs/money/money/tracing/setup.py": "def setup(): ...\n",
    "tools/tracing/__init__.py": "", "tools/tracing/setup.py": "def setup(): ...\n",
}  # fmt: skip


def test_folders_with_a_dockerfile_or_project_of_their_own(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, **MONOREPO)
    config, notes = proposed(tmp_path)
    assert services(config) == {
        "orders": (("services/orders/",), {"billing": "import"}),
        "billing": (("services/billing/",), {}),
    }
    assert config.shared == ("libs/money/",)
    assert "orders imports billing today (1): keep or cut it" in notes


def test_nothing_to_propose(tmp_path: Path) -> None:
    write(tmp_path, **{"a.py": ""})
    done = init(tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("servicelint: no services were found")


# --- writing -------------------------------------------------------------------------------------


def test_it_writes_only_when_told_to(tmp_path: Path) -> None:
    write(tmp_path, **MONOREPO)
    init(tmp_path)
    assert not (tmp_path / "servicelint.toml").exists()
    assert init(tmp_path, "--write").exit_code == 0
    assert set(read_file(tmp_path / "servicelint.toml").services) == {"orders", "billing"}


def test_it_adds_to_settings_and_keeps_what_stands_there(tmp_path: Path) -> None:
    before = (
        "[project]\nname = 'x'  # mine\n\n[tool.servicelint]\nignore = ['SVC104']\nshared = ['scripts/']\n\n"
        "[tool.other]\na = 1\n"
    )
    write(tmp_path, **MONOREPO, **{"pyproject.toml": before})
    assert init(tmp_path, "--write").exit_code == 0
    config = read_file(tmp_path / "pyproject.toml")
    assert set(config.services) == {"orders", "billing"}
    assert (config.ignore, config.shared) == (("SVC104",), ("scripts/",))
    text = (tmp_path / "pyproject.toml").read_text("utf-8")
    assert all(line in text for line in before.splitlines())


@pytest.mark.parametrize(
    ("name", "text"),
    [("servicelint.toml", "[services.a]\n"), ("pyproject.toml", "[tool.servicelint.services.a]\n")],
)
@pytest.mark.parametrize("options", [(), ("--write",)])
def test_never_over_declared_services(name: str, text: str, options: tuple[str, ...], tmp_path: Path) -> None:
    write(tmp_path, **MONOREPO, **{name: text})
    done = init(tmp_path, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "services are declared here already" in done.stderr
    assert (tmp_path / name).read_text("utf-8") == text


@pytest.mark.parametrize(
    ("name", "text"), [("servicelint.toml", "a = ["), ("tach.toml", "a = ["), (".importlinter", "[a")]
)
def test_settings_that_are_none(name: str, text: str, tmp_path: Path) -> None:
    write(tmp_path, **{name: text})
    done = init(tmp_path)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)


# --- translating ---------------------------------------------------------------------------------

CONTRACTS = """
[importlinter]
root_package = shop
exclude_type_checking_imports = True

[importlinter:contract:1]
name = Layers
type = layers
layers =
    shop.web
    shop.orders | shop.billing
    shop.base
ignore_imports =
    shop.base.models -> shop.web.urls

[importlinter:contract:2]
name = No web
type = forbidden
source_modules = shop.jobs
forbidden_modules =
    shop.web
    django
allow_indirect_imports = True

[importlinter:contract:3]
name = Siblings
type = acyclic_siblings
ancestors = shop
"""


def test_import_linter(tmp_path: Path) -> None:
    config, notes = proposed(write(tmp_path, **{".importlinter": CONTRACTS}))
    allowed = {name: set(each.depends_on) for name, each in config.services.items()}
    assert allowed == {
        "web": {"orders", "billing", "base", "jobs"},
        "orders": {"base", "jobs"},
        "billing": {"base", "jobs"},
        "base": {"jobs"},
        "jobs": {"orders", "billing", "base"},
    }
    assert config.type_checking == "allow"
    [exempted] = config.exceptions
    assert (exempted.source, exempted.target, exempted.reason) == (
        "shop.base.models", "shop.web.urls", "ignored by import-linter: Layers",
    )  # fmt: skip
    assert notes[1:] == [
        "No web: django is left out, as it is not part of the program",
        "No web: `allow_indirect_imports` is not translated",
        "Siblings: contracts of the type 'acyclic_siblings' can't be translated",
    ]


def test_import_linter_in_toml(tmp_path: Path) -> None:
    text = """
[tool.importlinter]
root_packages = ["a", "b"]
[[tool.importlinter.contracts]]
name = "Apart"
type = "independence"
modules = ["a.x", "b.x", "a.*"]
"""
    config, notes = proposed(write(tmp_path, **{"pyproject.toml": text}))
    assert services(config) == {"a-x": (("a.x",), {}), "b-x": (("b.x",), {})}
    assert notes[1:] == ["Apart: a.* is left out; a service named with `*` can stand for many"]


TACH = """
exclude = ["**/tests"]
source_roots = ["src"]
layers = ["web", "core"]

[[modules]]
path = "shop.orders"
depends_on = ["shop.billing", { path = "shop.users", deprecated = true }]

[[modules]]
path = "shop.billing"
depends_on = []
layer = "web"

[[modules]]
path = "shop.users"
layer = "core"
visibility = ["shop.orders"]
depends_on = []

[[modules]]
path = "shop.utils"
utility = true

[[modules]]
path = "<root>"
depends_on = []

[[interfaces]]
expose = ["api.*"]
from = ["shop.billing"]

[[interfaces]]
expose = ["get_.*"]
from = ["shop.users"]
visibility = ["shop.orders"]
"""


def test_tach(tmp_path: Path) -> None:
    files = {"src/shop/billing/api.py": "", "src/shop/users/__init__.py": ""}
    config, notes = proposed(write(tmp_path, **files, **{"tach.toml": TACH}))
    assert services(config) == {
        "orders": (("shop.orders",), {"billing": "import", "users": "import"}),
        "billing": (("shop.billing",), {"users": "import"}),
        "users": (("shop.users",), {}),
    }
    assert config.shared == ("shop.utils",)
    assert config.services["billing"].interface == ("shop.billing.api",)
    assert config.services["users"].interface is None
    assert notes[1:] == [
        "shop.orders: that its dependency on shop.users is deprecated is not kept",
        "shop.users: `visibility` is not translated",
        "`<root>` is no service: modules of nobody are reported by SVC404",
        "the interface of shop.users: `visibility` is not translated",
        "the interface of shop.users is left out: ['get_.*'] names more than modules",
        "`exclude` is not translated",
        "set `source-roots = ['src']` if they are not found",
    ]
