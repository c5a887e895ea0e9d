"""Comments silence the same in pylint and on the command line, wherever they stand; exceptions are pinned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import astroid
import pytest

if TYPE_CHECKING:
    from tests.hosts.hosting import Hosting

TEXT = """\
import requests
def plain(a):  # {comment}
    requests.get("function")
class A:  # {comment}
    requests.get("class")
    def f(self):
        requests.get("method")
class B(A):  # {comment}
    requests.get("class with bases")
with a:  # {comment}
    requests.get("with")
for b in a:  # {comment}
    requests.get("for")
else:  # {comment}
    requests.get("else of for")
if requests.get("condition"):  # {comment}
    requests.get("if")
elif a:
    requests.get("elif")
else:
    # {comment}
    requests.get("else")
def late():
    requests.get("before")
    # {comment}
    requests.get("after")
    if a:
        requests.get("deeper")
requests.get("outside")
if a:
    # {comment}
    requests.get("if with a line of its own")
else:
    requests.get("else of that")
requests.get("first line",  # {comment}
    params=a)
requests.get("call")  # {comment}
requests.get("next")
# {alone}
requests.get("to the end")
"""


@pytest.fixture(autouse=True)
def _nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(self: object, name: str, *rest: Any, **more: Any) -> None:
        raise astroid.AstroidImportError(name)

    monkeypatch.setattr(astroid.manager.AstroidManager, "ast_from_module_name", look)


def checked(project: Hosting) -> list[int]:
    """The lines with a finding of the command line."""
    report = json.loads(project.servicelint("check", "--format", "json").stdout)
    return [finding["line"] for finding in report["findings"]]


@pytest.mark.parametrize("alone", ["nothing", "pylint: disable=W9101"])
@pytest.mark.parametrize(
    "comment", ["nothing", "pylint: disable=W9101", "pylint: disable=all", "pylint: disable=W9103"]
)
def test_pylint_comments(project: Hosting, comment: str, alone: str) -> None:
    project.write({"shop/users.py": TEXT.format(comment=comment, alone=alone)})
    messages, _ = project.pylint("shop")
    loud = [message.line for message in messages if message.msg_id == "W9101"]
    assert checked(project) == loud


def test_the_command_line_takes_a_comment_on_any_line_of_a_statement(project: Hosting) -> None:
    """pylint and flake8 want it on the finding's own line."""
    for comment in ("pylint: disable=W9101", "noqa: SVC101"):
        project.write({"shop/users.py": f"import requests\nrequests.get(\n    1,\n)  # {comment}\n"})
        assert checked(project) == []
        loud = project.pylint("shop")[0] if "pylint" in comment else project.flake8().stdout.splitlines()
        assert len(loud) == 1
