"""Our own repository keeps to its own boundaries, and a breach of them would be seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from servicelint import registry
from servicelint.config import load
from servicelint.run import Run
from servicelint.sources.discovery import select

ROOT = Path(__file__).parents[2]
BREACHES = {
    "src/servicelint/facts/words.py": "from servicelint.program.linking import modules\n",
    "src/servicelint/program/linking/reach.py": "from ...rule import Rule\n",
    "src/servicelint/report/text.py": "def f():\n    import servicelint.hosts.cli\n",
    "checkers/svc101_http_call_without_timeout.py": "import servicelint.program.program\n",
}


def findings(buffers: dict[str, str]) -> list[tuple[str, str]]:
    """What the boundary rules find in our own code, some files having another text."""
    config, _ = load(ROOT)
    selection = select([ROOT / "src", ROOT / "checkers"], ROOT, config.exclude)
    texts = {(ROOT / path).as_posix(): text for path, text in buffers.items()}
    run = Run(selection, config, ROOT, buffers=texts)
    found = run.check(registry.selected(("SVC4", "SVC404"), ())).findings
    return [(finding.code, Path(finding.place.path).name) for finding in found]


def test_nothing_crosses_our_boundaries() -> None:
    assert findings({}) == []


@pytest.mark.parametrize("path", BREACHES)
def test_a_breach_is_seen(path: str) -> None:
    assert ("SVC401", Path(path).name) in findings({path: BREACHES[path]})
