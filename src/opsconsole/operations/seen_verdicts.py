"""Which verdicts a user has seen, so that the next console tells those that they missed.

Invariant: the file of a user is whole or the one before it, whatever dies; it is not written in
read-only. Without a file nothing was missed: there was no console to be away from. Layout:
``seen/UID.json`` with ``{"version": 1, "until": SECONDS}``, Unix time of the latest verdict seen.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.model.operation import Operation, OperationState
from opsconsole.operations.state_folder import file_mode
from opsconsole.operations.who import Who

VERSION: Final = 1
_LIMIT: Final = 4096


def catch_up(
    folder: Path, who: Who, operations: Iterable[Operation], now: float, *, read_only: bool
) -> tuple[Operation, ...]:
    """The operations of ``who`` that ended since the last call, oldest first; then seen.

    Raises OSError when that cannot be remembered; they are then told again.
    """
    path = _path(folder, who)
    until = _read(path)
    mine = [each for each in operations if each.who == who.name and _has_verdict(each)]
    missed = [each for each in mine if until is not None and _ended(each) > until]
    if not read_only and (until is None or missed):
        _write(path, max((_ended(each) for each in missed), default=now))
    return tuple(sorted(missed, key=_ended))


def _has_verdict(operation: Operation) -> bool:
    state = operation.state
    return state.final and state is not OperationState.REFUSED and operation.ended_at is not None


def _ended(operation: Operation) -> float:
    return operation.ended_at or 0.0


def _path(folder: Path, who: Who) -> Path:
    return folder / "seen" / f"{who.uid if who.login_uid is None else who.login_uid}.json"


def _read(path: Path) -> float | None:
    """The moment on file; None where there is none that can be understood."""
    try:
        document = json.loads(durable.read(path, _LIMIT))
        until = float(document["until"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return until if math.isfinite(until) else None


def _write(path: Path, until: float) -> None:
    document = json.dumps({"version": VERSION, "until": until})
    durable.replace(path, document.encode("ascii"), file_mode(path.parent))
