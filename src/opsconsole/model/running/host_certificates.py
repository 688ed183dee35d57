"""Certificates that are kept in files of a host.

Invariant: one that cannot be read is never well. Times are Unix seconds as the certificate says.
"""

from opsconsole.dataclass import dataclass
from opsconsole.model.certificate import Validity
from opsconsole.model.state import State


@dataclass(frozen=True, slots=True)
class HostCertificate:
    """The one of ``path``: ``validity`` of the first of its chain to end, whose subject is
    ``first`` where that is not its own. ``fault`` is why nothing is known of it.

    From ``warning`` and ``critical`` seconds before its end on it is spoken of.
    """

    path: str
    warning: float
    critical: float
    subject: str = ""
    names: tuple[str, ...] = ()
    validity: Validity | None = None
    first: str = ""
    fault: str = ""

    def state(self, now: float) -> State:
        """DOWN from ``critical`` on and once it has ended, or holds only later."""
        if self.validity is None:
            return State.UNKNOWN
        left = self.validity.left(now)
        if left <= self.critical or now < self.validity.starts:
            return State.DOWN
        return State.DEGRADED if left <= self.warning else State.OK
