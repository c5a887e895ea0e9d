"""Reading source files as Python does: byte order mark, coding line, UTF-8."""

from __future__ import annotations

import io
import stat
import tokenize
from typing import TYPE_CHECKING

from servicelint.facts.extract import UnreadableSource

if TYPE_CHECKING:
    from pathlib import Path


def read_source(path: Path) -> str:
    """The text of a source file, with its own line ends.

    Raises:
        UnreadableSource: if its bytes are not what its coding line (or UTF-8) says, or it can't be opened.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableSource(1, 1, "not a regular file")  # reading a pipe might wait for ever
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableSource(1, 1, f"can't be read: {error.strerror}") from None
    return decode_source(data)


def decode_source(data: bytes) -> str:
    """The text that the bytes of a source file stand for.

    Raises:
        UnreadableSource: if they stand for none.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        raise UnreadableSource(1, 1, str(error), data.decode("latin-1")) from None
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise UnreadableSource(
            line, column, f"not {encoding}: {error.reason}", data.decode("latin-1")
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UnreadableSource(line, 1, "the file holds a null byte", text)
    return text
