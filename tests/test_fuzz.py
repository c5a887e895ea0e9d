"""Whatever stands in a file: no crash, and the other files are checked as ever."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from servicelint import registry
from servicelint.config import Config
from servicelint.run import Run
from servicelint.sources.discovery import select
from tests.fixtures.projects import CRASHING, FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

    from servicelint.result import Result

LOUD = b"import requests\nrequests.get('http://users')\n"
SEEN = b"import requests, httpx, grpc, fastapi, tenacity, pybreaker\n"
"""Makes the gate let a file in, whatever else is in it."""

TOKENS = (
    b"(", b")", b"[", b"]", b"{", b"}", b":", b",", b".", b"=", b"*", b"**", b"@", b"\\", b"\n", b"\r", b"\t",
    b"\x0c", b"\x00", b"'", b'"', b"'''", b"f'", b"f'{", b"#", b";", b"->", b" ", b"    ", b"\xff",
    b"\xef\xbb\xbf", b"def ", b"class ", b"async ", b"await ", b"lambda ", b"yield ", b"return ", b"with ",
    b"match ", b"case ", b"requests", b"get", b"timeout", b"None", b"import ", b"from ", b"self",
    b"\xe2\x80\xa8", b"\xed\xa0\x80",
)  # fmt: skip


@functools.cache
def samples() -> list[bytes]:
    """The fixtures of all rules: they hold whatever the rules look at."""
    return [path.read_bytes() for path in sorted(FIXTURES.rglob("*.py")) if path.stat().st_size < 4_000]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file that works, with pieces of it taken out, doubled, exchanged or replaced."""
    text = draw(st.sampled_from(samples()))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        put = draw(st.one_of(st.just(b""), st.just(text[start:end] * 2), st.sampled_from(TOKENS)))
        text = text[:start] + put + text[end:]
    return text


def checked(folder: Path, content: bytes) -> Result:
    """A run of all rules over a folder with this file in it, and another one."""
    (folder / "other.py").write_bytes(LOUD)
    (folder / "strange.py").write_bytes(SEEN + content)
    rules = list(registry.rules().values())
    return Run(select([folder], folder), Config(), folder).check(rules)


def is_whole(result: Result) -> bool:
    """Whether nothing crashed, and the other file was checked."""
    found = {(finding.code, finding.place.path.rpartition("/")[2]) for finding in result.findings}
    return not result.tracebacks and ("SVC101", "other.py") in found and "SVC001" not in dict(found)


quickly = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quickly
@given(content=st.binary(max_size=300))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    assert is_whole(checked(tmp_path, content))


@quickly
@given(content=st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join))
def test_any_tokens(tmp_path: Path, content: bytes) -> None:
    assert is_whole(checked(tmp_path, content))


@quickly
@given(content=damaged())
@example(content=b"app = fastapi.FastAPI()\n@app.get('')\ndef f():\n  requests.get('http://us;]')\n")
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    assert is_whole(checked(tmp_path, content))


def test_a_crash_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_bytes(b"import requests\nrequests.get('http://users', timeout=13)\n")
    result = Run(select([tmp_path], tmp_path), Config(), tmp_path).check([CRASHING])
    assert not is_whole(result)
