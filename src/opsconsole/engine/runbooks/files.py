"""The files of runs, one for each run, below the state folder.

Invariant: a file only grows, by whole lines, each synced before anything is said of it; what a
crash left of a last line is passed over. Whoever appends holds the file's lock from reading it to
the end of writing, so that two consoles never both decide on the same state. A second lock says
that somebody is at a step; it ends with its holder. Everything here blocks.

Layout: ``runbooks/RUN.jsonl`` (JSON lines) and ``runbooks/RUN.lock``.
"""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.config.settings import Settings
from opsconsole.engine.runbooks.records import Record, apply, fold
from opsconsole.errors import StateError
from opsconsole.model.operation import Refusal
from opsconsole.model.runbook_runs import RunbookRun
from opsconsole.operations.state_folder import (
    file_mode,
    is_shared,
    prepare,
    state_folder,
)

FOLDER: Final = "runbooks"
LIMIT: Final = 4 * 1024 * 1024
"""Bytes of one run's file."""

READ: Final = 100
"""Runs that are read, those that moved last."""

KEPT: Final = 500
"""Files that are kept; beyond that, those of ended runs that moved least recently are removed."""

Decide = Callable[[RunbookRun], Sequence[Record] | Refusal]
_SUFFIX: Final = ".jsonl"


class Hold:
    """Being at a step of a run; ``release`` it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others go on; idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class RunFiles:
    """The runs of every console that has this state folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._state = state_folder(settings)
        self._folder = self._state / FOLDER
        self._seen: dict[str, tuple[tuple[int, int], RunbookRun]] = {}

    def runs(self) -> tuple[RunbookRun, ...]:
        """The newest runs, those that moved last first. Only what changed is read again.

        Raises StateError.
        """
        try:
            newest = sorted(_stamps(self._folder), reverse=True)[:READ]
        except OSError as error:
            raise _state_error(self._folder, error) from error
        found: dict[str, tuple[tuple[int, int], RunbookRun]] = {}
        for _, name, stamp in newest:
            known = self._seen.get(name)
            run = known[1] if known and known[0] == stamp else self._read(name)
            if run is not None:
                found[name] = (stamp, run)
        self._seen = found
        return tuple(run for _, run in found.values())

    def create(self, run: str, first: Record) -> RunbookRun:
        """Begin a file. Raises StateError."""
        try:
            prepare(self._state, shared=bool(self._settings.state_dir))
            if not self._folder.exists():
                self._folder.mkdir(exist_ok=True)
                self._folder.chmod(0o2770 if is_shared(self._state) else 0o700)
            durable.create(self._path(run), _line(first), file_mode(self._state))
            self._prune()
        except OSError as error:
            raise _state_error(self._folder, error) from error
        begun = fold([first])
        assert begun is not None, "the first record begins a run"
        return begun

    def append(self, run: str, decide: Decide) -> RunbookRun | Refusal:
        """Add what ``decide`` makes of the run as it stands, and give the run after it.

        Raises StateError.
        """
        try:
            descriptor = durable.open_file(self._path(run), os.O_RDWR | os.O_APPEND)
        except OSError as error:
            raise _state_error(self._path(run), error) from error
        try:
            durable.must_lock(descriptor)
            raw = durable.read_all(descriptor, LIMIT)
            found = fold(_records(raw))
            if found is None:
                raise StateError(f"{self._path(run)} is not the file of a run", remedy="remove it")
            decided = decide(found)
            if isinstance(decided, Refusal) or not decided:
                return decided if isinstance(decided, Refusal) else found
            text = b"".join(_line(record) for record in decided)
            if len(raw) + len(text) > LIMIT:
                return Refusal("run-too-long", "the record of this run is full", "end it")
            # What a crash left of a line is ended, so that it cannot spoil the next.
            durable.append(descriptor, b"\n" + text if durable.is_cut(descriptor) else text)
        except OSError as error:
            raise _state_error(self._path(run), error) from error
        finally:
            os.close(descriptor)
        for record in decided:
            found = apply(found, record)
        return found

    def hold(self, run: str) -> Hold | None:
        """Be at a step of ``run``; None while somebody else is. Raises StateError."""
        path = self._folder / f"{run}.lock"
        try:
            descriptor = durable.open_file(path, os.O_RDWR, file_mode(self._state))
        except OSError as error:
            raise _state_error(path, error) from error
        if durable.lock(descriptor):
            return Hold(descriptor)
        os.close(descriptor)
        return None

    def _read(self, run: str) -> RunbookRun | None:
        """A run as its file tells it; None for what is none."""
        try:
            return fold(_records(durable.read(self._path(run), LIMIT)))
        except OSError:
            # It is looked at again as soon as it changes, and nothing depends on seeing it.
            return None

    def _path(self, run: str) -> Path:
        return self._folder / f"{run}{_SUFFIX}"

    def _prune(self) -> None:
        paths = sorted(self._folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime)
        for path in paths[: max(0, len(paths) - KEPT)]:
            run = self._read(path.stem)
            if run is None or not run.open:
                path.unlink(missing_ok=True)
                path.with_suffix(".lock").unlink(missing_ok=True)


def _stamps(folder: Path) -> list[tuple[float, str, tuple[int, int]]]:
    """When each run moved last, its name, and what tells whether it did; none without a folder."""
    found: list[tuple[float, str, tuple[int, int]]] = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(_SUFFIX) and entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                stamp = (status.st_mtime_ns, status.st_size)
                found.append((status.st_mtime, entry.name.removesuffix(_SUFFIX), stamp))
    return found


def _records(raw: bytes) -> list[Record]:
    """The whole lines of a file that are JSON objects."""
    found: list[Record] = []
    for line in raw.split(b"\n"):
        with suppress(ValueError, RecursionError):
            value = json.loads(line)
            if isinstance(value, dict):
                found.append(value)
    return found


def _line(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"


def _state_error(path: Path, error: OSError) -> StateError:
    return StateError(
        f"cannot record the run in {path}: {error.strerror}",
        remedy="see that the state folder has room and belongs to this user",
    )
