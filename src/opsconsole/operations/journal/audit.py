"""The record of who changed what, chained so that tampering shows.

Invariant: each row's hash is SHA-256 over the hash before it and its own canonical JSON, so an
edited, deleted or swapped row breaks the chain at a place that can be named. What a chain alone
cannot show is said by ``verify`` every time: rows cut off the end, and a chain rewritten by
somebody who may write the database. A second sink (``operations.audit_file``) on another disk
or host closes that gap.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.dataclass import dataclass

GENESIS: Final = "0" * 64
"""The hash before the first row."""

_BLIND_SPOTS: Final = (
    "cannot be seen from the chain alone: rows cut off the end, or a chain rewritten;",
    "compare the head with the last line of the second sink or with a note kept elsewhere",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is stored."""

    seq: int
    record: str
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What ``verify`` found, one line each, and whether the chain is whole."""

    whole: bool
    lines: tuple[str, ...]


def canonical(record: Mapping[str, object]) -> str:
    """JSON with sorted keys, no spaces, ASCII only: one text for one record."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def link(prev: str, record: str) -> str:
    """The hash of ``record`` in a chain that stood at ``prev``."""
    return hashlib.sha256(f"{prev}\n{record}".encode()).hexdigest()


def following(last: Row | None, record: Mapping[str, object]) -> Row:
    """The row for ``record`` after ``last``, which is None at the beginning of a chain."""
    seq, prev = (last.seq + 1, last.hash) if last else (1, GENESIS)
    text = canonical({**record, "seq": seq})
    return Row(seq, text, prev, link(prev, text))


def verify(rows: Iterable[Row]) -> AuditReport:
    """Check a chain from its first row: edits, deletions and swaps are named by row."""
    findings: list[str] = []
    expected_seq, prev, count = 1, GENESIS, 0
    for row in rows:
        findings += _findings(row, expected_seq, prev)
        expected_seq, prev, count = row.seq + 1, row.hash, count + 1
    head = f"{count} rows, head {prev[:16]}" if count else "no rows"
    verdict = "the chain is broken" if findings else "the chain is whole"
    return AuditReport(not findings, (f"{verdict}: {head}", *findings, *_BLIND_SPOTS))


def _findings(row: Row, expected_seq: int, prev: str) -> list[str]:
    found: list[str] = []
    if row.seq != expected_seq:
        found.append(f"row {row.seq}: row {expected_seq} was expected; rows are gone or swapped")
    if row.prev != prev:
        found.append(f"row {row.seq}: does not follow the row before it")
    if link(row.prev, row.record) != row.hash:
        found.append(f"row {row.seq}: its record was edited")
    if _seq_of(row.record) != row.seq:
        found.append(f"row {row.seq}: holds the record of another row")
    return found


def _seq_of(record: str) -> int | None:
    try:
        document = json.loads(record)
    except (ValueError, RecursionError):
        return None
    seq = document.get("seq") if isinstance(document, dict) else None
    return seq if isinstance(seq, int) else None
