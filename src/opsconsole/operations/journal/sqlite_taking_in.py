"""What consoles of schema 2 kept in files beside the journal's database, taken into it.

Invariant: whatever the files hold, what can be understood of them is taken in, and nothing of
them is changed. The files: ``notes.jsonl``; ``seen/UID.json``; ``runbooks/RUN.jsonl``;
``runners/OPERATION.acknowledged``.
"""

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from opsconsole import durable
from opsconsole.operations.journal.ledger_bounds import BOUNDS
from opsconsole.operations.journal.records import OPERATION_ID, LedgerKind

_RUNS: Final = BOUNDS[LedgerKind.RUNBOOK]
_LIMIT: Final = 64 * 1024 * 1024
_SEEN_LIMIT: Final = 4096


def take_in_files(connection: sqlite3.Connection, folder: Path) -> None:
    """Take in what is there, within the caller's transaction."""
    _notes(connection, folder / "notes.jsonl")
    for path in _files(folder / "seen", ".json"):
        _seen(connection, path)
    for path in _files(folder / "runbooks", ".jsonl")[-_RUNS.kept :]:
        _run(connection, path)
    for path in _files(folder / "runners", ".acknowledged"):
        if OPERATION_ID.fullmatch(path.stem):
            connection.execute(
                "INSERT OR IGNORE INTO promises (operation, kind, service, due)"
                " SELECT id, 'watch', service, coalesce(ends_at, 0) FROM operations WHERE id = ?",
                (path.stem,),
            )


def _notes(connection: sqlite3.Connection, path: Path) -> None:
    for document in _documents(path, _LIMIT):
        with suppress(ValueError, KeyError, TypeError):
            at, text = float(document["at"]), str(document["text"])
            who, host, service = (str(document[name]) for name in ("who", "host", "service"))
            if math.isfinite(at) and text:
                connection.execute(
                    "INSERT INTO notes (at, who, host, service, text) VALUES (?,?,?,?,?)",
                    (at, who, host, service, text),
                )


def _seen(connection: sqlite3.Connection, path: Path) -> None:
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        until = float(json.loads(durable.read(path, _SEEN_LIMIT))["until"])
        if math.isfinite(until):
            connection.execute("INSERT INTO seen VALUES (?, ?)", (int(path.stem), until))


def _run(connection: sqlite3.Connection, path: Path) -> None:
    records = [json.dumps(each) for each in _documents(path, _RUNS.size)]
    if not _RUNS.id.fullmatch(path.stem) or not records:
        return
    ended = json.loads(records[-1]).get("do") == "end"
    made = connection.execute(
        "INSERT INTO ledgers (kind, id, scope, moved_at, records, ended) VALUES (?,?,'',?,?,?)",
        (LedgerKind.RUNBOOK.value, path.stem, path.stat().st_mtime, len(records), int(ended)),
    )
    connection.executemany(
        "INSERT INTO ledger_records VALUES (?,?,?)",
        [(made.lastrowid, ordinal, record) for ordinal, record in enumerate(records)],
    )


def _files(folder: Path, ending: str) -> list[Path]:
    """The files of a folder by when they were changed; none where there is no folder."""
    with suppress(OSError):
        found = (path for path in folder.iterdir() if path.name.endswith(ending))
        return sorted(found, key=lambda path: path.lstat().st_mtime)
    return []


def _documents(path: Path, limit: int) -> Iterator[Mapping[str, Any]]:
    """The whole lines of a file that are JSON objects."""
    with suppress(OSError):
        for line in durable.read(path, limit).split(b"\n"):
            with suppress(ValueError, RecursionError):
                document = json.loads(line)
                if isinstance(document, dict):
                    yield document
