"""A file, or a statement in it, could not be read.

Why it hurts: calls in it are not checked, so nothing found means nothing here.

Instead: mend the syntax or the encoding; split generated expressions that are too deep or too long for the
parser; or leave the file out with ``exclude``.

Gaps: of a statement beyond the parser's limits only the calls are read, not what is done with their results.
"""

from servicelint.rule import Rule

RULE = Rule(__name__, __doc__, message="{reason}", severity="error")
