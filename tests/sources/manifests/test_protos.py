"""What `.proto` files say of streams, and that a run notices when they say something else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicelint import registry
from servicelint.config import Config
from servicelint.run import Run
from servicelint.sources.cache import Cache
from servicelint.sources.discovery import select
from servicelint.sources.manifests.protos import open_streams

if TYPE_CHECKING:
    from pathlib import Path

RULES = [rule for rule in registry.rules().values() if rule.code == "SVC102"]
CALLER = """\
import grpc
from prices_pb2_grpc import PricesStub

for price in PricesStub(grpc.insecure_channel("prices:50051")).Follow(None):
    print(price)
"""


def proto(comment: str, method: str = "rpc Follow(Query) returns (stream Price);") -> str:
    return f"service Prices {{\n  // {comment}\n  {method}\n}}\n"


@pytest.mark.parametrize(
    "comment",
    [
        "Watches prices.",
        "Follow subscribes to prices.",
        "A long-lived stream.",
        "The server keeps the stream open.",
        "Goes on until the client cancels.",
    ],
)
def test_a_comment_says_that_a_stream_stays_open(comment: str) -> None:
    assert list(open_streams(proto(comment))) == ["Prices.Follow"]


@pytest.mark.parametrize("comment", ["Streams all rows.", "For changes, see Watch.", "Opens the archive."])
def test_a_comment_that_says_something_else(comment: str) -> None:
    assert list(open_streams(proto(comment))) == []


def test_a_method_that_answers_once_is_no_stream() -> None:
    assert list(open_streams(proto("Long-lived.", "rpc Follow(stream Query) returns (Price);"))) == []


PIECES = ["service A {", "rpc B(C) returns (stream D)", " long-lived ", "//", "/*", "*/", "rpc", "\n", "\\"]


@given(st.lists(st.sampled_from([*PIECES, *";{}()'\""])).map("".join))
def test_any_text_is_read(text: str) -> None:
    assert set(open_streams(text)) <= {"A.B", ".B"}


@pytest.mark.parametrize("piece", ["/*", "rpc a(", '"', "// long-lived", "service a"])
def test_a_long_hostile_text_takes_no_long_time(piece: str) -> None:
    started = time.process_time()
    list(open_streams(piece * 100_000))
    assert time.process_time() - started < 20


def test_a_run_notices_that_a_comment_has_changed(tmp_path: Path) -> None:
    (tmp_path / "calls.py").write_text(CALLER)

    def codes() -> list[str]:
        cache = Cache(tmp_path / ".cache")
        run = Run(select([tmp_path], tmp_path), Config(), tmp_path, cache)
        found = [each.code for each in run.check(RULES).findings]
        cache.close()
        return found

    assert codes() == ["SVC102"]
    (tmp_path / "prices.proto").write_text(proto("A long-lived stream."))
    assert codes() == []
    (tmp_path / "prices.proto").write_text(proto("All prices of a day."))
    assert codes() == ["SVC102"]
