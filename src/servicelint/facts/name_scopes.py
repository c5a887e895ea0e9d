"""Which reads of a name mean an import, told by libcst's scopes: slow, for the few files that need it."""

from __future__ import annotations

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, ImportAssignment, MetadataWrapper, ScopeProvider

from servicelint.facts.later_syntax import lossless_tree
from servicelint.facts.limits import without_excess
from servicelint.facts.logical_lines import logical_lines
from servicelint.facts.unreadable import UnreadableSource


def reads_of_import(text: str, name: str) -> set[int]:
    """The offsets at which ``name`` is read and nothing but imports can have bound it."""
    readable = without_excess(text, logical_lines(text))
    try:
        wrapper = MetadataWrapper(lossless_tree(readable), unsafe_skip_copy=True)
    except UnreadableSource:
        return set()
    scopes = wrapper.resolve(ScopeProvider)
    spans = wrapper.resolve(ByteSpanPositionProvider)
    data = readable.encode("utf-8", "surrogatepass")
    return {
        len(data[: spans[node].start].decode("utf-8", "surrogatepass"))
        for node, scope in scopes.items()
        if isinstance(node, cst.Name) and node.value == name and scope is not None
        if (found := scope[name]) and all(isinstance(each, ImportAssignment) for each in found)
    }
