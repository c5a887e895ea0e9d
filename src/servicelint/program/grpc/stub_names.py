"""Names that may be a generated stub's, as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicelint.catalog.loader import STUB
from servicelint.facts import record
from servicelint.program.linking.index import last_name

if TYPE_CHECKING:
    from servicelint.facts.record import Expression
    from servicelint.program.linking.modules import Module

_AN_OBJECT_AND_A_NAME = 2


def may_name_stub(module: Module, callee: Expression) -> bool:
    """``OrdersStub``, ``getattr(shop.shop_pb2_grpc, "OrdersStub")``, or a name there that can't be told."""
    if not isinstance(callee, record.CallValue):
        return last_name(callee).endswith(STUB)
    call = module.facts.calls[callee.call]
    if last_name(call.callee) != "getattr" or len(call.arguments) < _AN_OBJECT_AND_A_NAME:
        return False
    name = call.arguments[1].value
    return not isinstance(name, record.Constant) or str(name.value).endswith(STUB)
