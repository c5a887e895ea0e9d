"""A rule crashed on this file.

The other rules and files were checked all the same. This is a defect of servicelint or of a rule added to it.

Why it hurts: what the rule would have found in this file stays unseen.

Instead: run again with ``--verbose`` to see the trace-back, and report it.

Gaps: none known.
"""

from servicelint.rule import Rule

RULE = Rule(__name__, __doc__, message="{rule} crashed on this file: {error}", severity="error")
