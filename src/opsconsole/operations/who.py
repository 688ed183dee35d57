"""Who asks for a change, as the kernel knows it, and what the environment claims.

Invariant: ``uid`` and ``login_uid`` come from the kernel; ``sudo_user`` and ``ssh`` come from
variables that the user can set, and are called claims wherever they are shown.
Source: ``/proc/self/loginuid`` and ``sessionid`` (Linux, ABI/stable/procfs-audit_loginuid).
"""

import os
import pwd
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.text import sanitize

_UNSET: Final = 2**32 - 1
_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Who:
    """One person at one terminal. ``login_uid`` is None where no login was recorded."""

    name: str
    uid: int
    login_uid: int | None
    session: int | None
    host: str
    tty: str
    pid: int
    claimed_sudo_user: str = ""
    claimed_ssh: str = ""

    def document(self) -> dict[str, object]:
        """What the audit and the lock's file say of them."""
        return asdict(self)


def whoami() -> Who:
    """The user who runs this process."""
    login_uid = _audit_number("loginuid")
    uid = os.geteuid()
    return Who(
        name=_name(uid if login_uid is None else login_uid),
        uid=uid,
        login_uid=login_uid,
        session=_audit_number("sessionid"),
        host=sanitize(socket.gethostname(), limit=_LIMIT),
        tty=_tty(),
        pid=os.getpid(),
        claimed_sudo_user=sanitize(os.environ.get("SUDO_USER", ""), limit=_LIMIT),
        claimed_ssh=sanitize(os.environ.get("SSH_CONNECTION", ""), limit=_LIMIT),
    )


def _audit_number(name: str) -> int | None:
    try:
        number = int(Path("/proc/self", name).read_text("ascii"))
    except (OSError, ValueError):
        return None
    return None if number == _UNSET else number


def _name(uid: int) -> str:
    try:
        return sanitize(pwd.getpwuid(uid).pw_name, limit=_LIMIT)
    except KeyError:
        return f"uid {uid}"


def _tty() -> str:
    for descriptor in range(3):
        try:
            return sanitize(os.ttyname(descriptor).removeprefix("/dev/"), limit=_LIMIT)
        except OSError:
            continue
    return ""
