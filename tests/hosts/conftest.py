from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hosts.hosting import CALLER, WRAPPER, Hosting

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Hosting:
    """A package whose one module calls a wrapper of the other without a timeout."""
    hosting = Hosting(tmp_path / "project", tmp_path / "cache")
    hosting.write({"shop/__init__.py": "", "shop/http.py": WRAPPER, "shop/users.py": CALLER})
    return hosting
