"""The certificates in files of a host, and when the first of each ends.

Invariant: a file is another's word: at most ``LIMIT`` bytes and ``MOST`` certificates of it are
read, and what is not understood is said, never taken for well. A private key in the same file is
neither kept nor shown. Format: RFC 7468 (PEM) of RFC 5280.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from opsconsole.config.hosts import HostCertificates
from opsconsole.machines.base import Machine
from opsconsole.model.running.host_certificates import HostCertificate
from opsconsole.model.running.machine import Failure, MachineError
from opsconsole.sources.http.tls import Certificate, read_certificate

LIMIT: Final = 256 * 1024
MOST: Final = 20
_BLOCK: Final = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----([A-Za-z0-9+/=\s]{1,65536})-----END "
)
_NO_RIGHT: Final = "may not be read by the user who logs in"
_SAID: Final = {
    Failure.NOT_FOUND: "is not there",
    Failure.DENIED: _NO_RIGHT,
    Failure.TOO_LARGE: "is too large",
}


async def look(machine: Machine, wanted: HostCertificates) -> tuple[HostCertificate, ...]:
    """What each file says now. Raises MachineError where the host itself did not answer."""
    return tuple([await _of_file(machine, path, wanted) for path in wanted.files])


async def _of_file(machine: Machine, path: str, wanted: HostCertificates) -> HostCertificate:
    limits = wanted.warning, wanted.critical
    try:
        chain = certificates_in(await machine.read(Path(path), LIMIT))
    except MachineError as error:
        if error.failure not in _SAID:
            raise
        return HostCertificate(path, *limits, fault=_SAID[error.failure])
    if not chain:
        return HostCertificate(path, *limits, fault="holds no certificate that is understood")
    own, first = chain[0], min(chain, key=lambda each: each.validity.ends)
    of = "" if first is own else first.subject
    return HostCertificate(path, *limits, own.subject, own.names, first.validity, of)


def certificates_in(text: bytes) -> Sequence[Certificate]:
    """Those of a PEM file, in its order: its own, then those that signed it."""
    found: list[Certificate] = []
    for block in list(_BLOCK.finditer(text))[:MOST]:
        try:
            read = read_certificate(base64.b64decode(b"".join(block[1].split()), validate=True))
        except (binascii.Error, ValueError):
            continue
        if read is not None:
            found.append(read)
    return found
