"""Folders and files of a program that have the name of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint import registry
from servicelint.config import Config
from servicelint.run import Run
from servicelint.sources.discovery import select

if TYPE_CHECKING:
    from pathlib import Path


def found(folder: Path, files: dict[str, str]) -> list[tuple[str, int]]:
    """The findings in a program of these files: rules and lines."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    result = Run(select([folder], folder), Config(), folder).check(registry.rules().values())
    return [(finding.code, finding.place.line) for finding in result.findings]


def test_what_a_folder_does_not_hold_is_the_librarys(tmp_path: Path) -> None:
    calls = "from requests.sessions import Session\n\ndef use(url):\n    Session().get(url)\n"
    files = {"requests/samples.py": "SAMPLE = {'q': 'x'}\n", "calls.py": calls}
    assert ("SVC101", 4) in found(tmp_path, files)
