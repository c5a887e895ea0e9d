"""Running a program without the privilege of root to read and write whatever it likes (Linux)."""

from __future__ import annotations

import os
import sys

_CODE = """
import ctypes, os, sys
system, dropped = ctypes.CDLL(None), (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
for capability in dropped:
    if system.prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
        sys.exit("the privilege can't be dropped")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

IS_POSSIBLE = sys.platform == "linux" or (hasattr(os, "geteuid") and os.geteuid() != 0)


def python(*arguments: str) -> list[str]:
    """The command that runs this interpreter so that the permissions of files hold for it."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return [sys.executable, *arguments]
    return [sys.executable, "-c", _CODE, *arguments]
