"""What the kernel says of how long tasks waited: pressure stall information. Pure."""

import re
from typing import Final

from opsconsole.model.running.hosts import Pressure

_SOME: Final = re.compile(rb"some avg10=([0-9]{1,3}\.[0-9]{2}) ")


def pressure_of(said: bytes) -> Pressure | None:
    """What ``/proc/pressure/cpu``, ``memory`` and ``io`` say, in that order; None without all.

    Source: Documentation/accounting/psi.rst of Linux.
    """
    shares = [min(1.0, float(share) / 100) for share in _SOME.findall(said)]
    return Pressure(*shares) if len(shares) == 3 else None
