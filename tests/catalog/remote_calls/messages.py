"""A message of betterproto's kind."""

from __future__ import annotations

from dataclasses import dataclass

import betterproto


@dataclass
class Nothing(betterproto.Message):
    """Holds nothing."""
