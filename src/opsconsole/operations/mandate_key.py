"""The key by which one user's processes on several hosts know each other's mandates.

Invariant: a key is the content of a file that this user alone can read and write, the same on each
host. Who has the key is the user: what it signed is carried out by every process that has it, and
what it did not sign by none.
"""

import hashlib
import hmac
import os
import stat
from pathlib import Path
from typing import Final

from opsconsole import durable, ownership
from opsconsole.errors import StateError

SHORTEST: Final = 32
"""Bytes that a key has at least."""

_LIMIT: Final = 4096
_NAME: Final = b"opsconsole mandate key"
_MAKE: Final = "(umask 077; head -c 32 /dev/urandom | base64 > %s), the same on each host"


class MandateKey:
    """A key, read when it is made. Raises StateError for a file that is none."""

    def __init__(self, path: Path) -> None:
        make = _MAKE % path
        try:
            loose = ownership.looseness(path)
            descriptor = durable.open_file(path, os.O_RDONLY)
            try:
                status = os.fstat(descriptor)
                secret = durable.read_all(descriptor, _LIMIT).strip()
            finally:
                os.close(descriptor)
        except OSError as error:
            what = f"cannot read the mandate key {path}: {error.strerror}"
            raise StateError(what, remedy=make) from error
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise StateError(
                f"the mandate key {path} is not this user's alone", remedy=f"chmod 600 {path}"
            )
        if loose is not None:
            raise StateError(
                f"others could replace the mandate key {path}: {loose.how}", remedy=loose.remedy
            )
        if len(secret) < SHORTEST:
            raise StateError(f"the mandate key {path} is too short", remedy=make)
        self._secret = secret
        self.name = self.signature(_NAME)
        """What names the key and does not give it away."""

    def signature(self, record: bytes) -> str:
        """What only who has the key can write beside ``record``."""
        return hmac.new(self._secret, record, hashlib.sha256).hexdigest()

    def has_signed(self, record: bytes, signature: str) -> bool:
        """Whether ``signature`` is of ``record`` and of this key."""
        return hmac.compare_digest(self.signature(record).encode(), signature.encode())
