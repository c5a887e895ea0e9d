"""What is built holds what the repository holds: a wheel without rules would look like a clean run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


def repository_files() -> list[str]:
    """What git has or would add, as far as it is there."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git clone to compare with")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return sorted(name for name in set(listed.stdout.split("\0")) if name and (ROOT / name).is_file())


def has_setuptools() -> bool:
    try:
        return int(version("setuptools").partition(".")[0]) >= 77
    except PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source distribution and the wheel made from it."""
    folder = tmp_path_factory.mktemp("build")
    for name in repository_files():
        (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "tree" / name)
    isolation = ["--no-isolation"] if has_setuptools() else []
    run([sys.executable, "-m", "build", *isolation, "--outdir", str(folder), str(folder / "tree")])
    return folder


def run(command: Iterable[str], **variables: str) -> str:
    done = subprocess.run(
        list(command),
        capture_output=True,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        env=dict(os.environ, **variables),
        cwd=Path(sys.prefix),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_source_distribution_is_the_repository(built: Path) -> None:
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert [name for name in repository_files() if name not in names] == []
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc")] == []


def test_the_wheel_holds_the_engine_its_data_and_every_rule(built: Path) -> None:
    [path] = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {
        name.removeprefix("src/") for name in repository_files() if name.startswith("src/servicelint/")
    } | {f"servicelint/{name}" for name in repository_files() if name.startswith("checkers/")}
    assert "servicelint/py.typed" in wanted
    assert any(name.endswith(".toml") for name in wanted)
    assert names == wanted


def test_the_wheel_lists_the_rules_of_the_repository(built: Path, tmp_path: Path) -> None:
    [path] = built.glob("*.whl")
    target = tmp_path / "installed"
    run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(path)])
    # the path makes it the installed copy, not the repository's, that answers
    code = (
        f"import servicelint; assert servicelint.__file__.startswith({str(target)!r}), servicelint.__file__; "
    )
    code += "import sys; from servicelint.hosts.cli import main; sys.argv[1:] = ['rules']; main()"
    listed = run([sys.executable, "-c", code], PYTHONPATH=str(target))
    codes = [line.split()[0].lower() for line in listed.splitlines()]
    assert codes == sorted(path.name.partition("_")[0] for path in (ROOT / "checkers").glob("svc*.py"))


def test_the_licence_goes_along(built: Path) -> None:
    [path] = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        [licence] = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
