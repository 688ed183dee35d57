"""How long the certificate that a server shows for itself still lasts.

Invariant: times are Unix seconds as the certificate says them, hostile ones among them: nothing
here takes them to be in order or near the present.
"""

from typing import Final

from opsconsole.dataclass import dataclass

DAY: Final = 86_400.0

NOTICES: Final = (3, 7, 14)
"""Days before its end at which a certificate is spoken of."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate holds."""

    starts: float
    ends: float

    def left(self, now: float) -> float:
        """Seconds until it ends, negative after that."""
        return self.ends - now

    def notice(self, now: float) -> int | None:
        """The least days of ``NOTICES`` of which no more are left; None before, and before it
        holds."""
        if now < self.starts:
            return None
        return next((days for days in NOTICES if self.left(now) <= days * DAY), None)

    def noticed_at(self, days: int) -> float:
        """Since when it has held for no more than ``days`` longer."""
        return max(self.starts, self.ends - days * DAY)
