"""One at a time, between all consoles and users of one state.

Invariant: a lock ends with the last process that holds it, however that process dies; nothing
stale is ever left to break. What is said of a holder is believed only while the lock is held.
"""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Final, Protocol

from opsconsole.config.types import NAME_PATTERN
from opsconsole.dataclass import dataclass
from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind
from opsconsole.text import sanitize

PATIENCE: Final = 0.05
"""Seconds that a service's lock is tried for, because a look at its holder holds it a moment."""

_SHOWN: Final = 80
_SAID: Final = 200
_TEXTS: Final = ("operation", "kind", "service", "who", "host", "tty", "subject")
_DOING: Final[dict[str, str]] = {
    ActionKind.RESTART: "restarting",
    ActionKind.DEGRADE: "degrading",
    ActionKind.RECOVER: "recovering",
    ActionKind.BACKUP: "backing up",
    ActionKind.RESTORE: "restoring",
    ActionKind.ROLLBACK: "rolling back",
    ActionKind.SCALE: "scaling",
    ActionKind.TEST: "testing",
    ActionKind.CALL: "calling",
    ActionKind.ACKNOWLEDGE: "acknowledging an alert at",
    ActionKind.SILENCE: "silencing alerts at",
    ActionKind.EXPIRE_SILENCE: "ending a silence at",
}
"""What somebody does, by the kind that they wrote, which may be another version's."""

_WORKING: Final = "changing"


class LockLostError(StateError):
    """A lock that was held has lapsed: nothing more may be begun under it."""


class LockKind(StrEnum):
    """What a lock is for; its id is that of what is changed, of an operation, of a run of a
    runbook, or of a fleet. What is changed is a service, or one silence of an Alertmanager."""

    SERVICE = "service"
    RUNNER = "runner"
    RUNBOOK = "runbook"
    WATCHER = "watcher"
    """Of a fleet: who acts and notifies unattended."""
    RECORDER = "recorder"
    """Of a fleet: who records."""
    PROMISE = "promise"
    """Of an operation and a kind: who keeps what was promised with it."""


@dataclass(frozen=True, slots=True)
class LockName:
    """One lock: the service's, while it is changed; a runner's, while it lives.

    Raises StateError for an id that is no plain name, as one that leads out of a folder.
    """

    kind: LockKind
    id: str

    def __post_init__(self) -> None:
        if not re.fullmatch(NAME_PATTERN, self.id) or self.id.endswith("\n"):
            raise StateError(
                f"{sanitize(self.id, limit=_SHOWN)!r} cannot be the name of a {self.kind} lock",
                remedy="look at who wrote it into the state",
            )


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is doing what to a service, since when (Unix seconds).

    ``subject`` is what of it others are kept from; '' for all of it.
    """

    operation: str
    kind: str
    service: str
    who: str
    login_uid: int | None
    host: str
    tty: str
    since: float
    subject: str = ""

    @property
    def lock(self) -> str:
        """The id of the lock that is held."""
        return self.subject or self.service

    def sentence(self, now: float) -> str:
        """``ops@bastion-2 (pts/3) is restarting ai-service (00:12)``."""
        minutes, seconds = divmod(max(0, int(now - self.since)), 60)
        place = f" ({self.tty})" if self.tty else ""
        return (
            f"{self.who}@{self.host}{place} is {_DOING.get(self.kind, _WORKING)} {self.service} "
            f"({minutes:02d}:{seconds:02d})"
        )


class Held(Protocol):
    """A lock that this process holds."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The open files that a child must inherit to hold the lock as well."""
        ...

    @property
    def grant(self) -> str:
        """What a child needs to know to hold it as well, on no command line; '' for nothing."""
        ...

    def handed_over(self) -> None:
        """Leave it to a child that was given descriptors and grant: ``release`` ends it no more."""
        ...

    def may_begin(self) -> bool:
        """Whether it is certain to last long enough to begin something now. Never waits.

        Asked right before each side effect: what is held by a lease may have lapsed meanwhile.
        """
        ...

    def release(self) -> None:
        """Let go; a child that it was handed over to holds on. Idempotent."""
        ...


class Locks(Protocol):
    """The locks of one state. Raises StateError where they cannot be used at all."""

    def take(self, name: LockName, *, patience: float = 0.0) -> Held | None:
        """Take a lock, or None when another has it after ``patience`` seconds."""
        ...

    def inherit(self, grants: Sequence[str]) -> tuple[Held, ...]:
        """In the child: hold what was handed over by these grants. Raises StateError when one of
        them is over."""
        ...

    def is_held(self, name: LockName) -> bool:
        """Whether some process holds a lock."""
        ...

    def take_service(self, holder: Holder, *, patience: float = PATIENCE) -> Held | None:
        """Take the lock ``holder.lock`` and say who did; None when it is held.

        Whatever goes wrong, the lock is not left with this process.
        """
        ...

    def holder(self, subject: str) -> Holder | None:
        """Who holds the lock of a service or of a silence, or None when nobody does."""
        ...

    def forget(self, name: LockName) -> None:
        """Remove what is left of a lock that nobody will ask for again."""
        ...


def unknown_holder(service: str, now: float) -> Holder:
    """The holder of a held lock of which nothing can be read."""
    return Holder("", "an operation", service, "somebody", None, "this host", "", now)


def holder_said(text: bytes | str, subject: str) -> Holder:
    """The holder of a held lock, of what it said of itself; unknown where that is no record."""
    now = time.time()
    try:
        document = json.loads(text)
        values = {each.name: document[each.name] for each in fields(Holder)}
        values["since"] = min(max(float(values["since"]), 0.0), now)
        uid = values["login_uid"]
        values["login_uid"] = uid if isinstance(uid, int) and 0 <= uid < 1 << 32 else None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return unknown_holder(subject, now)
    return Holder(**values | {name: sanitize(str(values[name]), limit=_SAID) for name in _TEXTS})
