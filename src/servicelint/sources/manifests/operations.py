"""Functions that an OpenAPI file names as its operations: frameworks that read such files run them.

Connexion (3.x) takes ``operationId`` for the dotted name of a function, below the module or class that the
operation, or its path, gives as ``x-openapi-router-controller`` (in version 2 of OpenAPI:
``x-swagger-router-controller``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

IS_SPECIFICATION = re.compile(r"""^[ \t{]*["']?(?:openapi|swagger)["']?[ \t]*:""", re.MULTILINE)
_VERBS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
_CONTROLLERS = ("x-openapi-router-controller", "x-swagger-router-controller")


def operations(document: object) -> Iterator[tuple[str, str]]:
    """The dotted names that a document's operations have, each with its path."""
    paths = document.get("paths") if isinstance(document, dict) else None
    for path, item in paths.items() if isinstance(paths, dict) else ():
        if not isinstance(item, dict):
            continue
        for operation in (item[verb] for verb in _VERBS if isinstance(item.get(verb), dict)):
            names = [_controller(operation) or _controller(item), operation.get("operationId")]
            name = ".".join(each for each in names if each and isinstance(each, str))
            if "." in name:
                yield name, str(path)


def _controller(described: dict[str, object]) -> object:
    return next((described[key] for key in _CONTROLLERS if key in described), None)
