"""Reading source files as Python does: byte order mark, coding line, UTF-8."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tokenize
from typing import TYPE_CHECKING

from servicelint.facts.unreadable import UnreadableSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from servicelint.sources.known_digests import KnownDigests

_REMEDY = "save it as UTF-8, or name its encoding in a coding line"


class Texts:
    """The contents of a run's files: hashed for the cache, decoded when asked for.

    ``buffers`` hold the texts of files that stand in an editor instead of on the disk, by path. ``known``
    tells the digests of files that look as they did. ``is_torn`` once a file was written while the run went
    on, so that what is found is true of no one state of its files.
    """

    def __init__(self, buffers: Mapping[str, str] | None = None, known: KnownDigests | None = None) -> None:
        self.is_torn = False
        self._known = known
        self._read: dict[str, bytes | UnreadableSource] = {
            path: text.encode("utf-8", "surrogatepass") for path, text in (buffers or {}).items()
        }
        self._buffers = dict(buffers or {})
        self._digests: dict[str, bytes] = {}

    @property
    def has_buffers(self) -> bool:
        """Whether some contents are not those on the disk."""
        return bool(self._buffers)

    def digest(self, path: str) -> bytes:
        """What changes when the content of the file does."""
        known = self._digests.get(path)
        if known is None:
            known = self._digests[path] = self._digest_by_looks(path) or self._digest_of_content(path)
        return known

    def trust(self, digests: Mapping[str, bytes]) -> None:
        """Take the digests of files for those of their contents, but for files in an editor.

        All other files are known to look otherwise than they did.
        """
        self._digests |= {path: known for path, known in digests.items() if path not in self._buffers}
        self._known = None

    def _digest_by_looks(self, path: str) -> bytes | None:
        if self._known is None or path in self._buffers:
            return None
        try:
            status = os.stat(path)  # noqa: PTH116 - for every file: no Path is made
        except OSError:
            return None
        digest = self._known.of(path, status)
        if digest is None and not isinstance(self._content(path), UnreadableSource):
            digest = self._digest_of_content(path)
            self._known.note(path, status, digest)
        return digest

    def _digest_of_content(self, path: str) -> bytes:
        content = self._content(path)
        data = str(content).encode() if isinstance(content, UnreadableSource) else content
        return hashlib.blake2b(data, digest_size=16).digest()

    def text(self, path: str) -> str:
        """The text of a file, with its own line ends.

        Raises:
            UnreadableSource: if its bytes are not what its coding line (or UTF-8) says, or can't be read.
        """
        if path in self._buffers:
            return self._buffers[path]
        content, digest = self._content(path), self._digest_of_content(path)
        self.is_torn |= self._digests.setdefault(path, digest) != digest
        self._digests[path] = digest  # under which its facts are kept
        if isinstance(content, UnreadableSource):
            raise content
        del self._read[path]  # its module keeps the text
        return decode_source(content)

    def _content(self, path: str) -> bytes | UnreadableSource:
        known = self._read.get(path)
        if known is None:
            try:
                known = read_bytes(path)
            except UnreadableSource as error:
                known = error
            self._read[path] = known
        return known


def read_bytes(path: Path | str) -> bytes:
    """The bytes of a source file.

    Raises:
        UnreadableSource: if it can't be opened, or is a pipe or device: reading those might wait for ever.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - for every file: no Path is made
            raise UnreadableSource(1, 1, "not a regular file")
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as above
            return file.read()
    except OSError as error:
        raise UnreadableSource(1, 1, f"can't be read: {error.strerror}") from None


def decode_source(data: bytes) -> str:
    """The text that the bytes of a source file stand for.

    Raises:
        UnreadableSource: if they stand for none.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        raise UnreadableSource(1, 1, f"{error}; {_REMEDY}", data.decode("latin-1")) from None
    try:
        text = data.decode(encoding)
        if not encoding.startswith("utf-8"):
            text.encode()  # some codecs make characters that have no UTF-8 form, and are none to Python
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise UnreadableSource(
            line, column, f"not {encoding}: {error.reason}; {_REMEDY}", data.decode("latin-1")
        ) from None
    except (LookupError, ValueError) as error:  # a coding line can name codecs that are no text encodings
        raise UnreadableSource(1, 1, f"not {encoding}: {error}; {_REMEDY}", data.decode("latin-1")) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UnreadableSource(line, 1, "the file holds a null byte; remove it", text)
    return text
