"""The worst case of a call in seconds, worked out by hand: the number, and the arithmetic in the trace."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from servicelint import registry
from servicelint.config import Config, Timeouts
from servicelint.run import Run
from servicelint.sources.discovery import select

if TYPE_CHECKING:
    from pathlib import Path

PRELUDE = """\
import asyncio, backoff, httpx, requests, aiohttp
from requests.adapters import HTTPAdapter
from tenacity import retry, stop_after_attempt, wait_fixed
from urllib3 import Retry
PEER = "http://orders:8002/orders"
session = requests.Session()
session.mount("http://", HTTPAdapter(max_retries=Retry(total=3, backoff_factor=1)))
RETRIED = retry(stop=stop_after_attempt(3), wait=wait_fixed(2))
"""
REDIRECTED = "each redirect it follows (up to {}) takes up to {} s more"


@pytest.mark.parametrize(
    ("code", "worst", "arithmetic"),
    [
        (
            "@RETRIED\ndef f():\n    return requests.get(PEER, timeout=(3, 10))",
            43.0,
            [
                "one try takes up to 13 s",
                REDIRECTED.format(30, 13),
                "tenacity.retry: 3 tries x 13 s + 4 s of waits = 43 s",
            ],
        ),
        (
            "@RETRIED\ndef f():\n    return requests.get(PEER, timeout=3, allow_redirects=False)",
            13.0,
            ["one try takes up to 3 s", "tenacity.retry: 3 tries x 3 s + 4 s of waits = 13 s"],
        ),
        (
            "@RETRIED\ndef f():\n    return requests.head(PEER, timeout=3)",
            13.0,
            ["one try takes up to 3 s", "tenacity.retry: 3 tries x 3 s + 4 s of waits = 13 s"],
        ),
        (
            "@RETRIED\ndef f():\n    return httpx.get(PEER, timeout=3)",
            13.0,
            ["one try takes up to 3 s", "tenacity.retry: 3 tries x 3 s + 4 s of waits = 13 s"],
        ),
        (
            "client = httpx.Client(timeout=3, follow_redirects=True)\n"
            "@RETRIED\ndef f():\n    return client.get(PEER)",
            13.0,
            [
                "one try takes up to 3 s",
                REDIRECTED.format(20, 3),
                "tenacity.retry: 3 tries x 3 s + 4 s of waits = 13 s",
            ],
        ),
        (  # a total timeout covers the redirects
            "client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3))\n"
            "@RETRIED\nasync def f():\n    return await client.get(PEER)",
            13.0,
            ["one try takes up to 3 s", "tenacity.retry: 3 tries x 3 s + 4 s of waits = 13 s"],
        ),
        (
            "@retry(stop=stop_after_attempt(2), wait=wait_fixed(1))\n"
            "def f():\n    return session.get(PEER, timeout=4)",
            45.0,
            [
                "one try takes up to 4 s",
                REDIRECTED.format(30, 4),
                "urllib3.Retry: 4 tries x 4 s + 6 s of waits = 22 s",
                "tenacity.retry: 2 tries x 22 s + 1 s of waits = 45 s",
            ],
        ),
        (
            "@RETRIED\nasync def g():\n    async with httpx.AsyncClient(timeout=5) as client:\n"
            "        return await client.get(PEER)\n"
            "async def f():\n    async with asyncio.timeout(12):\n        return await g()",
            19.0,
            [
                "one try takes up to 5 s",
                "tenacity.retry: 3 tries x 5 s + 4 s of waits = 19 s",
                "asyncio.timeout ends it all after 12 s",
            ],
        ),
    ],
    ids=["pair", "no-redirects", "head", "httpx", "httpx-redirects", "aiohttp-total", "nested", "around"],
)
def test_the_worst_case_and_its_arithmetic(
    code: str, worst: float, arithmetic: list[str], tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(PRELUDE + code + "\n")
    rule = registry.rules()["SVC105"]
    settings = Config(timeouts=Timeouts(budget_seconds=1000 if "asyncio" in code else 1))
    [finding] = Run(select([tmp_path], tmp_path), settings, tmp_path).check([rule]).findings
    assert finding.worst_case_seconds == worst
    assert [step.message for step in finding.trace] == arithmetic


def test_json_carries_the_number(tmp_path: Path) -> None:
    (tmp_path / "servicelint.toml").write_text("[timeouts]\nbudget-seconds = 20\n")
    code = "@RETRIED\ndef f():\n    return requests.get(PEER, timeout=(3, 10))\n"
    (tmp_path / "app.py").write_text(PRELUDE + code + "requests.get(PEER)\n")
    command = [
        sys.executable,
        "-m",
        "servicelint",
        "check",
        "--format",
        "json",
        "--select",
        "SVC101,SVC105",
        ".",
    ]
    told = subprocess.run(
        command, cwd=tmp_path, capture_output=True, check=False, encoding="utf-8", timeout=60
    )
    numbers = {each["code"]: each["worst_case_seconds"] for each in json.loads(told.stdout)["findings"]}
    assert numbers == {"SVC105": 43.0, "SVC101": None}
