"""Facts that other processes made are the same facts; one that dies costs time and nothing else."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

import pytest

from servicelint import registry
from servicelint.config import Config
from servicelint.facts import codec
from servicelint.other_processes import FEWEST
from servicelint.run import Run
from servicelint.sources.discovery import select
from servicelint.workers import ProcessPool, all_extracted, extracted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servicelint.result import Result

LOUD = "import requests\n\n\ndef f{number}():\n    return requests.get('http://users')\n"
BROKEN = "import requests\n\n\ndef f{number}(:\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program of more files than are worth other processes, every tenth of them with an error."""
    for number in range(FEWEST + 6):
        text = BROKEN if number % 10 == 0 else LOUD
        (tmp_path / f"m{number:03}.py").write_text(text.format(number=number))
    return tmp_path


class Counted:
    """A pool of one executor, and how often it was given work."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.jobs = 3
        self.submitted = 0

    def executor(self) -> Executor:
        pool = self

        class Counting(Executor):
            def submit(self, fn: Callable[..., object], /, *args: object, **kwargs: object) -> Future[object]:  # type: ignore[override]
                pool.submitted += 1
                return pool._executor.submit(fn, *args, **kwargs)

        return Counting()


def checked(folder: Path, pool: Counted | ProcessPool | None) -> Result:
    run = Run(select([folder], folder), Config(), folder, pool=pool)
    return run.check(registry.rules().values())


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_other_processes_make_the_same_facts(folder: Path, method: str) -> None:
    expected = checked(folder, None)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as executor:
        pool = Counted(executor)
        assert checked(folder, pool) == expected
    assert pool.submitted
    assert {finding.code for finding in expected.findings} == {"SVC004", "SVC101"}


def test_few_files_are_not_worth_it(folder: Path) -> None:
    for file in sorted(folder.iterdir())[:10]:
        file.unlink()
    with ProcessPoolExecutor(1) as executor:
        pool = Counted(executor)
        checked(folder, pool)
    assert not pool.submitted


class Dying(Executor):
    """Processes that are killed over their work."""

    def submit(self, *_: object, **__: object) -> Future[object]:  # type: ignore[override]
        future: Future[object] = Future()
        future.set_exception(BrokenProcessPool("killed"))
        return future


def test_work_that_was_lost_is_done_again(folder: Path) -> None:
    pool = Counted(Dying())
    assert checked(folder, pool) == checked(folder, None)
    assert pool.submitted


def _die(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_is_a_broken_executor() -> None:
    with ProcessPoolExecutor(1) as executor, pytest.raises(BrokenProcessPool):
        executor.submit(_die, ()).result()


def test_one_process_needs_no_executor() -> None:
    with ProcessPool(1) as pool:
        assert pool.executor() is None


def test_a_crash_is_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: str) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("servicelint.facts.extract.extract", crash)
    made = extracted("x = 1\n")
    assert made.unreadable is not None
    assert "ZeroDivisionError: oops" in made.unreadable.reason
    assert made.traceback.startswith("Traceback")


def test_each_text_gets_its_own_facts() -> None:
    first, second = all_extracted(["a = 1\n", "def f(): pass\n"])
    assert len(codec.decode(first.facts).functions) == 0
    assert len(codec.decode(second.facts).functions) == 1
