"""Keeping what this process holds in memory out of core dumps.

Invariant: from the first secret on, no dump of this process is written, by the kernel or through a
handler, and no other process of its user may read its memory (prctl(2), PR_SET_DUMPABLE). A program
that it starts is dumpable again, with a soft limit of 0 that it may raise.
"""

import ctypes
import resource
from functools import cache
from typing import Final

_PR_SET_DUMPABLE: Final = 4


@cache
def forbid_core_dumps() -> None:
    """Forbid dumps of this process; once is enough."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
