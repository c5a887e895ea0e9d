"""Programs made by chance: files of two packages that hand clients and timeouts to each other.

They say what linking has to follow: sessions of other files, wrappers of wrappers, defaults, constants,
re-exports, classes and their heirs, handlers. An edit changes the files, or what stands beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

PACKAGES = ("shop", "shop/web", "tools")
STEMS = ("api", "base", "core", "data", "http", "jobs", "main", "users")

CLIENTS = ("requests.Session()", "httpx.Client()", "httpx.Client(timeout=None)")

LIMITS = ("", "=None", "=5", "=LIMIT")
"""How a wrapper's parameter ``timeout`` may be declared."""

GIVEN = ("", ", timeout=timeout", ", timeout=None", ", timeout=3", ", timeout=LIMIT", ", **options")


def made(chosen: random.Random, folder: Path) -> None:
    """Write a program."""
    for package in PACKAGES:
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").write_text("")
    for _ in range(chosen.randint(4, 8)):
        write_file(folder, chosen)


def write_file(folder: Path, chosen: random.Random) -> str:
    """Write a file, one that is there or a new one."""
    path = folder / chosen.choice(PACKAGES) / f"{chosen.choice(STEMS)}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(folder, chosen))
    return f"{path.relative_to(folder)} is written"


def text(folder: Path, chosen: random.Random) -> str:
    """A file that imports from the others."""
    lines = ["import requests, httpx", f"LIMIT = {chosen.choice(('None', '4', 'settings.LIMIT'))}"]
    lines += [imported(folder, chosen) for _ in range(chosen.randint(1, 3))]
    lines += [chosen.choice(PARTS)(chosen) for _ in range(chosen.randint(2, 5))]
    return "\n".join(lines) + "\n"


def imported(folder: Path, chosen: random.Random) -> str:
    files = sorted(folder.rglob("*.py"))
    file = chosen.choice(files) if files else folder / "shop" / "api.py"
    module = ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
    name = chosen.choice(("fetch", "session", "Client", "LIMIT", "make"))
    package, _, last = module.rpartition(".")
    forms = [
        f"from {module} import {name}",
        f"from {module} import {name} as fetch",
        f"from {module} import *",
    ]
    if package:
        forms += [
            f"from {package} import {last}\nfetch = {last}.fetch",
            f"import {module}\nsession = {module}.session",
        ]
    return chosen.choice(forms)


# --- parts ---------------------------------------------------------------------------------------


def _session(chosen: random.Random) -> str:
    return f"session = {chosen.choice((*CLIENTS, 'make()'))}"


def _factory(chosen: random.Random) -> str:
    return f"def make():\n    return {chosen.choice((*CLIENTS, 'session'))}"


def _wrapper(chosen: random.Random) -> str:
    called = chosen.choice(("requests.get", "session.get", "fetch", "Client().load"))
    name = chosen.choice(("fetch", "fetch", "load"))
    header = f"def {name}(url, timeout{chosen.choice(LIMITS)}, **options):"
    return f"{header}\n    return {called}(url{chosen.choice(GIVEN)})"


def _caller(chosen: random.Random) -> str:
    given = chosen.choice(("", ", timeout=None", ", timeout=3", ", timeout=LIMIT"))
    return f"def use():\n    return {chosen.choice(('fetch', 'load', 'session.post', 'Client().load'))}('http://users'{given})"


def _class(chosen: random.Random) -> str:
    base = chosen.choice(("", "(Client)", "(requests.Session)"))
    held = chosen.choice(("requests.Session()", "session or make()", "httpx.Client(timeout=timeout)"))
    return (
        f"class Client{base}:\n    def __init__(self, session=None, timeout{chosen.choice(LIMITS[1:])}):\n"
        f"        self.session = {held}\n        self.timeout = timeout\n"
        f"    def load(self, url, timeout=None, **options):\n"
        f"        return self.session.get(url{chosen.choice((*GIVEN, ', timeout=self.timeout'))})"
    )


def _handler(chosen: random.Random) -> str:
    return (
        "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/users')\n"
        f"def users():\n    return {chosen.choice(('fetch', 'load', 'session.get'))}('http://users')"
    )


PARTS: list[Callable[[random.Random], str]] = [
    _session,
    _factory,
    _wrapper,
    _wrapper,
    _caller,
    _caller,
    _class,
    _handler,
]


# --- edits ---------------------------------------------------------------------------------------


def edit(folder: Path, chosen: random.Random) -> str:
    """Change something, a file of the program or what stands beside it; tells what was done."""
    return chosen.choice(EDITS)(folder, chosen)


def _some_file(folder: Path, chosen: random.Random) -> Path | None:
    files = sorted(folder.rglob("*.py"))
    return chosen.choice(files) if files else None


def _default(folder: Path, chosen: random.Random) -> str:
    """The default of wrappers in one file, on which findings elsewhere rest."""
    files = [
        path for path in sorted(folder.rglob("*.py")) if "timeout=" in path.read_text("utf-8", "replace")
    ]
    if not files:
        return "nothing"
    path = chosen.choice(files)
    before, after = chosen.choice(
        (("timeout=None", "timeout=7"), ("timeout=5", "timeout=None"), ("timeout=7", "timeout=None"))
    )
    path.write_text(path.read_text("utf-8").replace(before, after))
    return f"{before} to {after} in {path.relative_to(folder)}"


def _removed(folder: Path, chosen: random.Random) -> str:
    path = _some_file(folder, chosen)
    if path is None:
        return "nothing"
    path.unlink()
    return f"{path.relative_to(folder)} is removed"


def _moved(folder: Path, chosen: random.Random) -> str:
    """To another name, another folder, or one that was no package before."""
    path = _some_file(folder, chosen)
    if path is None:
        return "nothing"
    target = folder / chosen.choice((*PACKAGES, "scripts", "src/extra")) / f"{chosen.choice(STEMS)}.py"
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    return f"{path.relative_to(folder)} is moved to {target.relative_to(folder)}"


def _package(folder: Path, chosen: random.Random) -> str:
    """A folder becomes a package, or a plain folder again, or says otherwise what it exports."""
    folders = sorted({path.parent for path in folder.rglob("*.py")} - {folder})
    if not folders:
        return "nothing"
    path = chosen.choice(folders) / "__init__.py"
    if path.exists() and chosen.random() < 0.5:
        path.unlink()
        return f"{path.relative_to(folder)} is removed"
    path.write_text(imported(folder, chosen) + "\n")
    return f"{path.relative_to(folder)} is written"


BESIDE = {
    "servicelint.toml": (
        "",
        "ignore = ['SVC101']\n",
        "select = ['SVC1', 'SVC201']\n",
        "source-roots = ['tools']\n",
        "exclude = ['tools/']\n",
        "[timeouts]\nmax-seconds = 2\n",
        "[clients.\"tools.api.Client\"]\nprotocol = 'http'\nmethods = [{ names = ['load'] }]\n"
        "timeout = [{ name = 'timeout' }]\n",
        "[services.shop]\nmodules = ['shop']\n[services.tools]\nmodules = ['tools']\n",
    ),
    "requirements.txt": ("", "httpx==0.20\nrequests==2.20\n", "httpx==0.28.1\n"),
    "compose.yaml": ("", "services:\n  users:\n    image: users\n    environment: {A: b}\n", "a: {{ b }}\n"),
    "mesh.yaml": (
        "",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: users}\n"
        "spec: {hosts: [users], http: [{timeout: 3s, route: [{destination: {host: users}}]}]}\n",
    ),
    "Procfile": ("", "web: uvicorn shop.main:app\n"),
    "src/pyproject.toml": ("", "[project]\nname = 'extra'\n"),
    "tools/pyproject.toml": ("", "[project]\nname = 'tools'\n"),
}
"""What may stand beside the code, and how its texts may differ; an empty one is no file."""


def _beside(folder: Path, chosen: random.Random) -> str:
    name = chosen.choice(sorted(BESIDE))
    content = chosen.choice(BESIDE[name])
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if content:
        path.write_text(content)
    return f"{name} is now {content!r}"


EDITS: list[Callable[[Path, random.Random], str]] = [
    write_file, write_file, _default, _default, _default, _removed, _moved, _package, _beside, _beside,
]  # fmt: skip
