"""Which rules a selection chooses."""

from __future__ import annotations

import pytest

from servicelint import registry
from servicelint.rule import Rule

DOCUMENTATION = "Something is off.\n\nWhy it hurts: x\n\nInstead: x\n\nGaps: x\n"
OFF = Rule("svc107_rarely_wanted", DOCUMENTATION, message="x", on_by_default=False)


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Rule]:
    known = registry.rules() | {OFF.code: OFF}
    monkeypatch.setattr(registry, "rules", lambda: known)
    return known


@pytest.mark.parametrize("select", [("SVC",), ("SVC1",), ("SVC10",), ("SVC101", "SVC")])
def test_a_rule_that_is_off_is_not_chosen_by_a_beginning_of_its_code(
    rules: dict[str, Rule], select: tuple[str, ...]
) -> None:
    chosen = registry.selected(select, ())
    assert OFF not in chosen
    assert rules["SVC101"] in chosen


@pytest.mark.parametrize("select", [("SVC107",), ("svc107",), ("SVC", "SVC107")])
def test_a_rule_that_is_off_is_chosen_by_its_full_code(
    rules: dict[str, Rule], select: tuple[str, ...]
) -> None:
    assert OFF in registry.selected(select, ())
    assert OFF not in registry.selected(select, ("SVC107",))


def test_a_longer_beginning_wins(rules: dict[str, Rule]) -> None:
    codes = [rule.code for rule in registry.selected(("SVC101",), ("SVC1",))]
    assert [code for code in codes if not code.startswith("SVC0")] == ["SVC101"]
    assert "SVC101" not in [rule.code for rule in registry.selected(("SVC1",), ("SVC101",))]


def test_what_could_not_be_read_is_told_unless_it_is_ignored(rules: dict[str, Rule]) -> None:
    assert "SVC004" in [rule.code for rule in registry.selected(("SVC101",), ())]
    assert "SVC004" not in [rule.code for rule in registry.selected(("SVC101",), ("SVC004",))]
    assert registry.selected(("XYZ",), ()) == []


def test_a_rule_whose_library_is_missing_is_no_silent_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda _: None)
    with pytest.raises(registry.NoRules, match=r"SVC405 needs sqlglot: pip install 'servicelint\[sql\]'"):
        registry.selected(("SVC405",), ())
    assert "SVC405" not in [rule.code for rule in registry.selected(("SVC",), ())]
