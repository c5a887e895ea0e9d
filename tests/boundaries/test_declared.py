"""Declared services: what belongs to them, and what is said of names that fit nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicelint import registry
from servicelint.boundaries.patterns import Addresses, Pattern
from servicelint.config import ConfigError, load, read_file
from servicelint.run import Run
from servicelint.sources.discovery import Selection, select

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILES = {
    "shop/__init__.py": "",
    "shop/orders/__init__.py": "",
    "shop/orders/api.py": "",
    "shop/billing/__init__.py": "",
    "shop/billing/models.py": "",
    "tools/make.py": "",
}
ORDERS = "[services.orders]\nmodules = ['shop.orders']\n"
BILLING = "[services.billing]\nmodules = ['shop.billing']\n"

REFUSED = {
    "[services.orders]\nmodules = ['shop.ordrs']":
        "services.orders.modules[0]: no module fits 'shop.ordrs'; did you mean 'shop.orders'?",
    "[services.orders]\nmodules = ['shop/ordrs/']":
        "services.orders.modules[0]: no module fits 'shop/ordrs/'; did you mean 'shop/orders'?",
    "[services.orders]\nmodules = ['shop.orders', 'quite.something']":
        "services.orders.modules[1]: no module fits 'quite.something'",
    "shared = ['shop.common']\n" + ORDERS: "shared[0]: no module fits 'shop.common'",
    ORDERS + "interface = ['shop.billing.models']":
        "services.orders.interface[0]: no module of orders fits 'shop.billing.models'; did you mean",
    ORDERS + "depends-on = { biling = 'http' }\n" + BILLING:
        "services.orders.depends-on.biling: no such service; did you mean 'billing'?",
    ORDERS + "depends-on = { orders = 'http' }":
        "services.orders.depends-on.orders: this is the service itself",
    ORDERS + "hosts = ['shop', 'Money']\n" + BILLING + "hosts = ['pay', 'money']":
        "services.billing.hosts[1]: 'money' is declared by services.orders.hosts too",
    ORDERS + "queues = ['events']\n" + BILLING + "queues = ['events']":
        "services.billing.queues[0]: 'events' is declared by services.orders.queues too",
    ORDERS + BILLING + "[[exceptions]]\nfrom = 'shop.ordes'\nto = 'shop.billing'\nreason = 'x'":
        "exceptions[0].from: no module fits 'shop.ordes'",
    ORDERS + BILLING + "[[exceptions]]\nfrom = 'shop.orders'\nto = 'shop.biling'\nreason = 'x'":
        "exceptions[0].to: no module fits 'shop.biling'",
    ORDERS + "[services.billing]\nmodules = ['shop.orders']":
        "services.billing.modules[0]: shop/orders/__init__.py is claimed as closely by services.orders.",
    "[services.all]\nmodules = ['shop.orders.api']\n[services.orders]\nmodules = ['shop/orders/api.py']":
        "services.orders.modules[0]: shop/orders/api.py is claimed as closely by services.all.modules[0]",
    "[services.'*']\nmodules = ['apps.*']": "services.*.modules: nothing fits these patterns",
    "[services.'*']\nmodules = ['shop.**']": "services.*.modules[0]: a service named with `*` needs",
    "[services.'*']\nmodules = ['shop.*.*']": "services.*.modules[0]: a service named with `*` needs",
}  # fmt: skip

WRONG_TYPES = {
    "[services.orders]\nmodulez = []": "services.orders.modulez: unknown key; did you mean `modules`?",
    "[services.orders]\nmodules = 'x'": "services.orders.modules: expected `array`, got `str`",
    "[services.a]\n[services.orders]\nmodules = 'x'": "services.orders.modules: expected `array`, got `str`",
    "[services.orders]\ndepends-on = { b = 'http', c = 'htp' }":
        "services.orders.depends-on.c: invalid enum value 'htp'; did you mean `http`?",
    "[services.orders]\ndepends-on = { b = { bye = 'http' } }":
        "services.orders.depends-on.b.bye: unknown key; did you mean `by`?",
    "[services.orders]\ndepends-on = { b = ['http', 3] }":
        "services.orders.depends-on.b[1]: expected `str`, got `int`",
    "[[exceptions]]\nfrom = 'a'\nto = 'b'": "exceptions[0]: object missing required field `reason`",
    "[[exceptions]]\nfrom = 'a'\nto = 'b'\nreason = ''":
        "exceptions[0].reason: expected `str` of length >= 1",
    "[[exceptions]]\nfrom = 'a'\nto = 'b'\nreason = 'x'\nuntil = '2027-13-01'": "exceptions[0].until: ",
    "[[exceptions]]\nfrom = 'a'\nto = 'b'\nreason = 'x'\nuntil = 'soon'": "exceptions[0].until: ",
    "origin = 1": "origin: unknown key",
    "type-checking = 'maybe'": "type-checking: invalid enum value 'maybe'",
}  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def checked(folder: Path, selection: Selection | None = None) -> list[str]:
    """The findings of the boundary rules in a folder, as path, line and code."""
    config = read_file(folder / "servicelint.toml")
    run = Run(selection or select([folder], folder), config, folder)
    rules = registry.selected(("SVC4",), ())
    return [f"{each.place.path}:{each.place.line} {each.code}" for each in run.check(rules).findings]


@pytest.mark.parametrize("text", REFUSED)
def test_a_name_that_fits_nothing_is_an_error(text: str, shop: Path) -> None:
    write(shop, {"servicelint.toml": text})
    with pytest.raises(ConfigError) as raised:
        checked(shop)
    assert str(raised.value).startswith(f"{shop / 'servicelint.toml'}: {REFUSED[text]}")


@pytest.mark.parametrize("text", WRONG_TYPES)
def test_keys_are_named_in_full(text: str, tmp_path: Path) -> None:
    write(tmp_path, {"servicelint.toml": text})
    with pytest.raises(ConfigError) as raised:
        read_file(tmp_path / "servicelint.toml")
    assert str(raised.value).startswith(f"{tmp_path / 'servicelint.toml'}: {WRONG_TYPES[text]}")


def test_in_a_part_of_the_program_names_may_fit_nothing(shop: Path) -> None:
    write(
        shop, {"servicelint.toml": f"{ORDERS}{BILLING}", "shop/orders/api.py": "import shop.billing.models\n"}
    )
    files = [shop / "shop/orders/api.py", shop / "shop/billing/models.py"]
    assert checked(shop, Selection(files, is_whole=False)) == ["shop/orders/api.py:1 SVC401"]


def test_the_closest_claim_counts(shop: Path) -> None:
    write(
        shop,
        {
            "servicelint.toml": "[services.shop]\nmodules = ['shop']\n" + BILLING,
            "shop/orders/api.py": "import shop.billing.models\nimport shop\n",
            "shop/billing/models.py": "import shop\nimport shop.billing\n",
        },
    )
    assert checked(shop) == [
        "shop/billing/models.py:1 SVC401",
        "shop/orders/api.py:1 SVC401",
        "shop/orders/api.py:1 SVC403",
    ]


def test_patterns_of_paths_start_from_the_settings(tmp_path: Path) -> None:
    services = "root = true\n[services.a]\nmodules = ['a/']\n[services.b]\nmodules = ['b']\n"
    write(
        tmp_path,
        {"up/servicelint.toml": services.replace("'b'", "'b/'"), "up/a/x.py": "import y\n", "up/b/y.py": ""},
    )
    folder = tmp_path / "up"
    config = read_file(folder / "servicelint.toml")
    assert config.origin is not None
    assert config.origin.folder == folder.resolve().as_posix()
    run = Run(select([tmp_path], tmp_path), config, tmp_path)
    assert run.check(registry.selected(("SVC401",), ())).findings == []


def test_services_are_the_topmost_settings_business(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, {"servicelint.toml": ORDERS, "shop/servicelint.toml": "ignore = ['SVC1']\n"})
    config, folder = load(tmp_path / "shop")
    assert (list(config.services), config.ignore, folder) == (["orders"], ("SVC1",), tmp_path / "shop")
    assert config.origin is not None
    assert config.origin.file == str(tmp_path / "servicelint.toml")
    write(tmp_path, {"shop/servicelint.toml": BILLING})
    with pytest.raises(ConfigError, match="services are declared for the whole program, in"):
        load(tmp_path / "shop")
    write(tmp_path, {"shop/servicelint.toml": f"root = true\n{BILLING}"})
    assert list(load(tmp_path / "shop")[0].services) == ["billing"]


@pytest.mark.parametrize(
    ("pattern", "name", "distance"),
    [
        ("a.b", "a.b", 1), ("a.b", "a.b.c.d", 3), ("a.b", "a.bc", None), ("a.b", "a", None),
        ("a.*", "a.b.c", 2), ("a.*", "a", None), ("a.x*", "a.xy", 1), ("a.**", "a", 1),
        ("a.**.z", "a.b.c.z.d", 2), ("**.z", "a.b", None),
        ("a.b.__init__", "a.b.c", None),
    ],
)  # fmt: skip
def test_patterns(pattern: str, name: str, distance: int | None) -> None:
    addresses = Addresses((tuple(name.split(".")),), (tuple(name.split(".")),), is_package=False)
    assert Pattern.parse(pattern).distance(addresses) == distance
    assert Pattern.parse(f"./{pattern.replace('.', '/')}").distance(addresses) == distance


def test_nothing_declared_costs_nothing(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> None:
        raise AssertionError(text)

    monkeypatch.setattr("servicelint.sources.import_facts.imports", fail)
    write(shop, {"servicelint.toml": ""})
    assert checked(shop) == []


def test_boundaries_parse_nothing(shop: Path) -> None:
    write(
        shop, {"servicelint.toml": f"{ORDERS}{BILLING}", "shop/orders/api.py": "import shop.billing.models\n"}
    )
    run = Run(select([shop], shop), read_file(shop / "servicelint.toml"), shop)
    assert len(run.check(registry.selected(("SVC4",), ())).findings) == 1
    assert not any(module.is_parsed for module in run.program.modules.modules)


def test_unsaved_text_counts(shop: Path) -> None:
    write(shop, {"servicelint.toml": f"{ORDERS}{BILLING}"})
    buffers = {(shop / "shop/orders/api.py").as_posix(): "from ..billing import models\n"}
    run = Run(select([shop], shop), read_file(shop / "servicelint.toml"), shop, buffers=buffers)
    [finding] = run.check(registry.selected(("SVC4",), ())).findings
    assert (finding.place.path, finding.place.column) == ("shop/orders/api.py", 23)
