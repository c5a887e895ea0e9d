"""A file, or a statement in it, could not be read.

Why it hurts: calls in it are not checked, so nothing found means nothing here.

Instead: mend the syntax or the encoding; split generated expressions that are too deep or too long for the
parser; or leave the file out with ``exclude``.

Gaps: statements beyond the parser's limits are left out one by one; the rest of their file is checked.
"""

from servicelint.rule import Rule

RULE = Rule(__name__, __doc__, message="{reason}", severity="error")
