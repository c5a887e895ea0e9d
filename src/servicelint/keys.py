"""Under what the cache keeps what is known of a program."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from servicelint.own_code import code_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicelint.rule import Rule


def digest_of(*parts: object) -> bytes:
    """What changes when one of these does."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(repr(part).encode("utf-8", "surrogateescape"))
    return digest.digest()


def program_key(root: Path) -> bytes:
    """Under what the cache keeps what it knows of a program."""
    return hashlib.blake2b(f"{root}\0{code_version()}".encode(), digest_size=16).digest()


def run_name(root: Path, rules: Iterable[Rule], *, is_whole: bool = True) -> bytes:
    """Under what the cache keeps a run to go on from: on the whole program, or some part of it."""
    return digest_of(root, Path.cwd(), [rule.code for rule in rules], is_whole)
