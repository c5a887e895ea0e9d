"""What SVC201 finds in the shop hurts: while users are silent, each order waits, unless a breaker refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import SilentPeer

pytest.importorskip("pybreaker")
pytestmark = [pytest.mark.libraries, pytest.mark.slow]

SHOP = Path(__file__).parents[2] / "fixtures" / "shop" / "src"
REQUESTS = 20
THRESHOLD = 3
GUARD = f"""
import pybreaker

breaker = pybreaker.CircuitBreaker(fail_max={THRESHOLD})


@breaker
def exists("""
ORDERS = f"""
from shop.orders import customers

for _ in range({REQUESTS}):
    try:
        customers.exists(1)
    except Exception:
        pass
"""


def asked(folder: Path, change: tuple[str, str]) -> int:
    """How often the silent user service is asked while so many orders come in."""
    shutil.copytree(SHOP, folder / "src")
    customers = folder / "src" / "shop" / "orders" / "customers.py"
    text = customers.read_text("utf-8").replace("timeout=3.0", "timeout=0.1")
    customers.write_text(text.replace(*change))
    with SilentPeer() as peer:
        environment = {
            **os.environ,
            "USERS_URL": peer.url.rstrip("/"),
            "PYTHONPATH": os.pathsep.join([str(folder / "src"), *filter(None, sys.path)]),
        }
        subprocess.run([sys.executable, "-c", ORDERS], env=environment, check=True, timeout=60)
        return len(peer.heard)


def test_without_a_breaker_every_order_waits(tmp_path: Path) -> None:
    assert asked(tmp_path, ("", "")) == REQUESTS


def test_with_a_breaker_only_the_first_ones_wait(tmp_path: Path) -> None:
    assert asked(tmp_path, ("def exists(", GUARD)) == THRESHOLD
