"""Who is here, in a PostgreSQL: a row for each console among the locks, which ends by itself.

Invariant: as ``Presence`` has it, between all hosts that share the state: a console that is gone
or cannot reach the server is here no longer than ``LASTS`` seconds, by the server's clock. It is no
lock: nothing is kept from anybody by it.
"""

import json
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from opsconsole.errors import StateError
from opsconsole.model.people import Present
from opsconsole.operations.locks.renewing import Line
from opsconsole.operations.presence import LISTED, Presence, document_of, present_in

LASTS: Final = 20.0
_SHOWN_AGAIN: Final = 5.0
"""Seconds after which a console that looks at the same is shown again."""

_KIND: Final = "present"
_SHOW: Final = (
    "INSERT INTO locks (kind, id, token, key, holder, ends_at)"
    " VALUES (?, ?, 0, ?, ?, clock_timestamp() + make_interval(secs => ?))"
    " ON CONFLICT (kind, id) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at"
    " WHERE locks.key = excluded.key RETURNING id"
)
_ALL: Final = (
    "SELECT id, holder FROM locks WHERE kind = ? AND ends_at > clock_timestamp()"
    " ORDER BY id LIMIT ?"
)
_LEAVE: Final = "DELETE FROM locks WHERE kind = ? AND id = ? AND key = ? RETURNING id"
_CLEAR: Final = (
    "DELETE FROM locks WHERE kind = ? AND ends_at < clock_timestamp() - interval '1 minute'"
    " RETURNING id"
)


class PostgresqlPresence:
    """The consoles of the state that ``make_line`` leads to."""

    def __init__(self, make_line: Callable[[], Line]) -> None:
        self._line = make_line()
        self._id, self._key = secrets.token_hex(8), secrets.token_hex(8)
        self._shown: Present | None = None
        self._again_at = 0.0

    def show(self, present: Present) -> None:
        """Show this console."""
        if present == self._shown and time.monotonic() < self._again_at:
            return
        if self._shown is None:
            self._line.once(_CLEAR, (_KIND,))
        said = json.dumps(document_of(present))
        self._line.once(_SHOW, (_KIND, self._id, self._key, said, LASTS))
        self._shown, self._again_at = present, time.monotonic() + _SHOWN_AGAIN

    def all(self) -> tuple[Present, ...]:
        """Those whose row has not ended."""
        found = []
        for id_, said in self._line.read(_ALL, (_KIND, LISTED)):
            present = present_in(said)
            if present is not None:
                found.append(replace(present, own=id_ == self._id))
        return tuple(found)

    def leave(self) -> None:
        """Remove the row."""
        if self._shown is not None:
            self._shown = None
            with suppress(StateError):
                self._line.once(_LEAVE, (_KIND, self._id, self._key))
        self._line.close()


def _conforms(presence: PostgresqlPresence) -> Presence:
    return presence
