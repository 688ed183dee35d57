"""Second places for the audit: a file of JSON lines, the system's log.

Invariant: ``write`` returns only when every place that is configured has taken the row, and never
waits for a logger that hangs. A line holds the record and the hashes of the chain.
Source of the datagram's form: RFC 3164, as ``/dev/log`` takes it; priority ``authpriv.notice``.
"""

import json
import os
import socket
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.config.settings import Settings
from opsconsole.errors import StateError
from opsconsole.operations.journal.audit import Row

SYSLOG: Final = Path("/dev/log")

_PRIORITY: Final = 10 << 3 | 5
_MODE: Final = 0o640


class AuditSinks:
    """The second places of one console; none by default."""

    def __init__(self, file: Path | None = None, syslog: Path | None = None) -> None:
        self._file = file
        self._syslog = syslog

    def write(self, row: Row) -> None:
        """Write ``row`` everywhere. Raises StateError when a place did not take it."""
        line = json.dumps({"record": json.loads(row.record), "prev": row.prev, "hash": row.hash})
        if self._file is not None:
            _append(self._file, line.encode() + b"\n")
        if self._syslog is not None:
            _send(self._syslog, f"<{_PRIORITY}>opsconsole[{os.getpid()}]: {line}".encode())

    def why_not_writable(self) -> str:
        """Why a place would not take a row, or ''; nothing is written."""
        file, log = self._file, self._syslog
        if file is not None and not os.access(file if file.exists() else file.parent, os.W_OK):
            return f"cannot write {file}"
        if log is not None and not os.access(log, os.W_OK):
            return f"no system log listens at {log}"
        return ""


def sinks_of(settings: Settings, base: Path) -> AuditSinks:
    """As configured; the file is relative to the configuration's folder ``base``."""
    operations = settings.operations
    file = base / Path(operations.audit_file).expanduser() if operations.audit_file else None
    return AuditSinks(file, SYSLOG if operations.audit_syslog else None)


def _append(path: Path, raw: bytes) -> None:
    """Append ``raw`` and wait until it is on the disk."""
    try:
        descriptor = durable.open_file(path, os.O_WRONLY | os.O_APPEND, _MODE)
        try:
            durable.must_lock(descriptor)
            durable.append(descriptor, raw)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StateError(
            f"cannot write the audit file {path}: {error.strerror}",
            remedy="make room on its disk, or look at its owner and mode",
        ) from error


def _send(path: Path, raw: bytes) -> None:
    """One datagram to the logger, or an error at once."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
        try:
            sender.sendto(raw, str(path))
        except OSError as error:
            raise StateError(
                f"the system log at {path} does not take the audit: {error.strerror}",
                remedy="look at the logger, or set operations.audit_syslog to false",
            ) from error
