"""The questions on request ids, for one set of headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.program.request_ids.context_loss import ContextLoss
from servicelint.program.request_ids.dropped import Dropped
from servicelint.program.request_ids.identified import Identified
from servicelint.program.request_ids.names import RequestIds

if TYPE_CHECKING:
    from servicelint.program.program import Program


class IdQuestions:
    """What rules ask about ids that go by the headers ``names``."""

    def __init__(self, program: Program, names: tuple[str, ...]) -> None:
        ids = RequestIds(program, names)
        self.dropped = Dropped(ids)
        self.context = ContextLoss(ids)
        self.identified = Identified(ids)
