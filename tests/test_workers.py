"""Facts that other processes made are the same facts; one that dies costs time and nothing else."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

import pytest

from servicelint import other_processes, registry
from servicelint.config import Config
from servicelint.facts import codec
from servicelint.facts.unreadable import UnreadableSource
from servicelint.other_processes import FEWEST, OtherProcesses
from servicelint.program.linking.modules import Module
from servicelint.program.linking.vocabulary import HELD, ScannedTables
from servicelint.run import Run
from servicelint.sources.discovery import select
from servicelint.workers import ProcessPool, all_extracted, all_flows, extracted
from tests.samples import sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servicelint.facts.record import ModuleFacts
    from servicelint.program.linking.vocabulary import Held
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
    """A pool of one executor, and the work that it was given."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.jobs = 3
        self.given: list[Callable[..., object]] = []

    def executor(self) -> Executor:
        pool = self

        class Counting(Executor):
            def submit(self, fn: Callable[..., object], /, *args: object, **kwargs: object) -> Future[object]:  # type: ignore[override]
                pool.given.append(fn)
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
    assert pool.given
    assert {finding.code for finding in expected.findings} == {"SVC004", "SVC101"}


def test_few_files_are_not_worth_it(folder: Path) -> None:
    for file in sorted(folder.iterdir())[:10]:
        file.unlink()
    with ProcessPoolExecutor(1) as executor:
        pool = Counted(executor)
        checked(folder, pool)
    assert not pool.given


@pytest.fixture
def with_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_processes, "FEWEST_TO_SCAN", 10)


@pytest.mark.usefixtures("with_scans")
def test_other_processes_find_the_same_words(folder: Path) -> None:
    expected = checked(folder, None)
    with ProcessPoolExecutor(2) as executor:
        pool = Counted(executor)
        assert checked(folder, pool) == expected
    assert [given.__name__ for given in pool.given].count("all_scanned") == pool.jobs - 1


@pytest.mark.usefixtures("with_scans")
@pytest.mark.parametrize("kind", HELD)
def test_shares_of_words_are_put_together_in_order(kind: Held) -> None:
    texts = list(sources(40).values())
    modules = [Module(f"{n}.py", "", lambda _, text=text: text, _no_facts) for n, text in enumerate(texts)]
    alone = ScannedTables(modules)
    pool = Counted(Here())
    shared = ScannedTables(modules, OtherProcesses(pool, lambda _: True).hand_out)
    names = list(alone.table(kind))
    assert names or kind == "quoted"
    assert all(list(shared.modules(kind, name)) == list(alone.modules(kind, name)) for name in names)
    assert shared.table(kind) == alone.table(kind)
    assert len(pool.given) == pool.jobs - 1


def _no_facts(*_: object) -> ModuleFacts:
    raise NotImplementedError


class Here(Executor):
    """This process, at once."""

    def submit(self, fn: Callable[..., object], /, *args: object, **kwargs: object) -> Future[object]:  # type: ignore[override]
        future: Future[object] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Slow(Executor):
    """One process that takes its time over each batch."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1)

    def submit(self, fn: Callable[..., object], /, *args: object, **kwargs: object) -> Future[object]:  # type: ignore[override]
        def late() -> object:
            time.sleep(0.5)
            return fn(*args, **kwargs)

        return self._threads.submit(late)


def test_what_nobody_has_begun_with_is_made_here(folder: Path) -> None:
    pool = Counted(Slow())
    assert checked(folder, pool) == checked(folder, None)
    assert 2 <= len(pool.given) < FEWEST / 4


def test_errors_reach_other_processes() -> None:
    error = pickle.loads(pickle.dumps(UnreadableSource(3, 4, "why", "text")))
    assert (error.line, error.column, error.reason, error.raw_text) == (3, 4, "why", "text")
    assert str(error) == "3:4: why"


KILLING = """
import os, signal, sys
from servicelint import other_processes, workers
from servicelint.hosts.cli import main

own, make = os.getpid(), workers.all_extracted

def killed(texts):
    if os.getpid() != own:
        os.kill(os.getpid(), signal.SIGKILL)
    return make(texts)

workers.all_extracted = other_processes.all_extracted = killed
main()
"""


@pytest.mark.skipif(multiprocessing.get_start_method() != "fork", reason="others lack the killing code")
def test_a_command_whose_processes_are_killed_ends_and_says_the_same(folder: Path) -> None:
    command = ["check", "--no-cache", "--isolated", "--format=json", "--jobs", "3", str(folder)]
    runs = [
        subprocess.run(
            [sys.executable, *how, *command], capture_output=True, text=True, timeout=60, check=False
        )
        for how in (["-c", KILLING], ["-m", "servicelint"])
    ]
    assert (runs[0].stdout, runs[0].returncode) == (runs[1].stdout, runs[1].returncode)


def test_names_that_cannot_be_read_elsewhere_are_read_here(folder: Path) -> None:
    class Crashing(Here):
        def submit(self, fn: Callable[..., object], /, *args: object, **kwargs: object) -> Future[object]:  # type: ignore[override]
            if fn is not all_flows:
                return super().submit(fn, *args, **kwargs)
            future: Future[object] = Future()
            future.set_exception(ZeroDivisionError("oops"))
            return future

    pool = Counted(Crashing())
    assert checked(folder, pool) == checked(folder, None)
    assert all_flows in pool.given


class Dying(Executor):
    """Processes that are killed over their work."""

    def submit(self, *_: object, **__: object) -> Future[object]:  # type: ignore[override]
        future: Future[object] = Future()
        future.set_exception(BrokenProcessPool("killed"))
        return future


@pytest.mark.usefixtures("with_scans")
def test_work_that_was_lost_is_done_again(folder: Path) -> None:
    pool = Counted(Dying())
    assert checked(folder, pool) == checked(folder, None)
    assert pool.given


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
