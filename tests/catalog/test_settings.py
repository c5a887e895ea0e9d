"""What a framework hands out of a project's settings is what we read there; each changed fact is noticed.

One program is run and read. In which modules projects keep their settings is the framework's own word where
it makes projects (Django), and a custom elsewhere: of that only our reading can show that it is followed.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from msgspec import structs

from servicelint.config import Config
from servicelint.knowledge import Knowledge
from servicelint.program.services.texts import UNTOLD, WHOLE, Texts
from servicelint.run import Run
from servicelint.sources.discovery import select
from tests.catalog.calls import resolve
from tests.catalog.facts import ALIEN, each_changed
from tests.catalog.libraries import LIBRARIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servicelint.catalog.model import Library

pytestmark = [pytest.mark.libraries, pytest.mark.slow]

HERE = [library for library in LIBRARIES if library.settings]
VALUE = "http://stock.example"
SETTING = f'TIME_ZONE = ""\nSTOCK = "{VALUE}"\n'
READER = """
import {module}
{made}
def told(text):
    return text

def by_attribute():
    return told({settings}.STOCK)

def by_key():
    return told({settings}["STOCK"])

def by_method():
    return told({settings}.get("STOCK"))
"""
WAYS = ("by_attribute", "by_key", "by_method")


class Sample(NamedTuple):
    """A program whose settings one module keeps, and another one reads, under one of their names."""

    name: str
    module: str

    @property
    def package(self) -> str:
        """A package of its own, so that it is imported, not one of before."""
        return f"set_{self.name.replace('.', '_')}_{self.module}".lower()

    def write(self, folder: Path) -> None:
        """Write it, unless it is there."""
        package = folder / self.package
        if not package.exists():
            package.mkdir()
            (package / "__init__.py").touch()
            (package / f"{self.module}.py").write_text(SETTING)
            (package / "reader.py").write_text(self.reader)

    @property
    def reader(self) -> str:
        """What reads: of the object itself, or of one of its class."""
        owner, _, last = self.name.rpartition(".")
        module = owner.rpartition(".")[0] or owner
        if owner.rpartition(".")[2].istitle():
            return READER.format(module=module, made=f"app = {owner}('shop')", settings=f"app.{last}")
        return READER.format(module=module, made="", settings=self.name)


SAMPLES = {
    library.library: [
        Sample(name, module)
        for first, entry in library.settings.items()
        for name in (first, *entry.aliases)
        for module in entry.modules
    ]
    for library in HERE
}


def read(sample: Sample, folder: Path) -> dict[str, str]:
    """What our reading says that each way of asking gives."""
    sample.write(folder)
    program = Run(select([folder / sample.package], folder), Config(), folder).program
    [module] = [each for each in program.targets if each.name.endswith("reader")]
    texts = Texts(program)
    found = {}
    for way, ref in zip(WAYS, program.index.of(module).calls["told"], strict=True):
        frame = program.frame_of_call(ref)
        text = texts.of(ref.call.arguments[0].value, frame).text.replace(WHOLE, "")
        found[way] = "" if UNTOLD in text else text
    return found


def run(sample: Sample, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What each way of asking gives; "" where it is refused."""
    sample.write(folder)
    monkeypatch.syspath_prepend(str(folder))
    settings = f"{sample.package}.{sample.module}"
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", settings)
    module = importlib.import_module(f"{sample.package}.reader")
    if sample.name.startswith("django."):
        module.django = _django_anew()
    return asyncio.run(_asked(module, sample.name.partition(".")[0], settings))


def _django_anew() -> Any:
    """Django's object for settings, as it is in a process that has read none yet."""
    from types import SimpleNamespace

    return SimpleNamespace(conf=SimpleNamespace(settings=resolve("django.conf.LazySettings")()))


async def _asked(module: Any, framework: str, settings: str) -> dict[str, str]:
    if framework == "django":
        return {way: _attempted(getattr(module, way)) for way in WAYS}
    app = getattr(module, "app", None) or resolve(f"{framework}.{framework.title()}")("shop")
    app.config.from_object(settings)
    context = app.app_context()
    if inspect.iscoroutinefunction(getattr(context, "__aenter__", None)):
        async with context:
            return {way: _attempted(getattr(module, way)) for way in WAYS}
    with context:
        return {way: _attempted(getattr(module, way)) for way in WAYS}


def _attempted(function: Any) -> str:
    try:
        return str(function() or "")
    except (AttributeError, KeyError, TypeError):
        return ""


@pytest.mark.parametrize(
    "sample", [each for samples in SAMPLES.values() for each in samples], ids=lambda each: each.package
)
def test_what_is_read_is_what_the_framework_hands_out(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run(sample, tmp_path, monkeypatch)
    assert VALUE in expected.values()
    assert read(sample, tmp_path) == expected


def test_django_makes_projects_with_the_modules_of_the_catalog(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "django", "startproject", "shop", str(tmp_path)], check=True, timeout=60
    )
    [entry] = [entry for library in HERE for name, entry in library.settings.items() if "django" in name]
    named = "".join(f'"DJANGO_SETTINGS_MODULE", "shop.{each}"' for each in entry.modules)
    assert named in (tmp_path / "manage.py").read_text().replace("'", '"')


# --- each fact changed once ----------------------------------------------------------------------------


def mutations(library: Library) -> Iterator[tuple[str, Library]]:
    """The library with each fact on settings changed once, each of several names by itself."""
    changed = [*each_changed(library.settings)]
    for name, entry in library.settings.items():
        for field in ("aliases", "modules"):
            names = getattr(entry, field)
            for number, each in enumerate(names):
                other = structs.replace(entry, **{field: (*names[:number], ALIEN, *names[number + 1 :])})
                changed.append(((name, field, each), {**library.settings, name: other}))
    for path, settings in changed:
        yield " ".join(map(str, path)), structs.replace(library, settings=settings)


@pytest.mark.parametrize("library", HERE, ids=lambda each: each.library)
def test_each_changed_fact_is_noticed(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another reading of one of the programs, which the test above compares with what really happens."""
    expected = {sample: read(sample, tmp_path) for sample in SAMPLES[library.library]}
    unnoticed = []
    for what, mutant in mutations(library):
        libraries = tuple(mutant if each is library else each for each in LIBRARIES)
        with monkeypatch.context() as patched:
            patched.setattr(Knowledge, "_libraries", lambda *_, known=libraries: known)
            if all(read(sample, tmp_path) == told for sample, told in expected.items()):
                unnoticed.append(what)
    assert unnoticed == []
