"""The certificates in files of a host, for ``status --json``.

Invariant: a figure is null where nothing is known, and ``state`` is then ``unknown``.
"""

from opsconsole.model.certificate import DAY
from opsconsole.model.running.host_certificates import HostCertificate

Document = dict[str, object]


def host_certificate(shown: HostCertificate, now: float) -> Document:
    """One of them; ``days`` are left until the first of its chain ends, negative after that."""
    validity = shown.validity
    return {
        "path": shown.path,
        "state": shown.state(now).value,
        "subject": shown.subject,
        "names": list(shown.names),
        "first_to_end": shown.first or shown.subject,
        "starts_at": None if validity is None else round(validity.starts, 3),
        "ends_at": None if validity is None else round(validity.ends, 3),
        "days": None if validity is None else round(validity.left(now) / DAY, 3),
        "fault": shown.fault,
    }
