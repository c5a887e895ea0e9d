"""Source that can't be read."""

from __future__ import annotations


class UnreadableSource(Exception):
    """Source that can't be read: ``line`` and ``column`` (both from 1) and why.

    ``raw_text`` is its text with wrong characters in it, enough to find comments.
    """

    def __init__(self, line: int, column: int, reason: str, raw_text: str = "") -> None:
        super().__init__(f"{line}:{column}: {reason}")
        self.line = line
        self.column = column
        self.reason = reason
        self.raw_text = raw_text

    def __reduce__(self) -> tuple[type[UnreadableSource], tuple[int, int, str, str]]:
        """Its parts, not its message: it is sent to other processes."""
        return UnreadableSource, (self.line, self.column, self.reason, self.raw_text)

    def moved(self, lines: int) -> UnreadableSource:
        """The same in a text that so many lines stand before."""
        return UnreadableSource(self.line + lines, self.column, self.reason, self.raw_text)
