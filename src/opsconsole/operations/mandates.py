"""What this user has confirmed and this user's own processes carry out, now or later.

Invariant: a runner, a keeper and a process that resumes what a dead one left do what a mandate
says, and nothing that only the journal says. A mandate is a file of this user's in a folder that
nobody else may write or enter; a file or folder that is not so is ignored. The journal, which
others may write, can only say that something was settled. A mandate names its state, so that it
commands nothing in another one. The configuration and the folder that it names are compared with
those of who carries it out, and never opened.

What was performed is remembered beside it: only what this user's own record says guides a later
plan without a word, and what the journal alone says is marked as hearsay.

Layout: ``mandates/UID/OPERATION.json`` and ``OPERATION.done`` below the state folder, and
``RUN.step`` for a step of a runbook that takes time, ``RUN.runbook`` for its steps as they were
begun; ``keeper-DIGEST.lock`` beside them is held by
the one process that keeps this user's promises under a configuration, ``OPERATION.KIND.lock`` by
the one that keeps a promise.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from opsconsole import durable
from opsconsole.dataclass import dataclass
from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind, OperationState, Plan
from opsconsole.operations.journal import plan_codec
from opsconsole.operations.journal.records import (
    OPERATION_ID,
    RUN_ID,
    Intent,
    Past,
    Promise,
    PromiseKind,
    checked,
)
from opsconsole.operations.locks import flock
from opsconsole.operations.locks.flock import HeldFlock
from opsconsole.operations.locks.locks import Held
from opsconsole.operations.who import Who

_VERSION: Final = 1
_LIMIT: Final = 16 * 1024 * 1024
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE: Final = 0o600
_DONE: Final = ".done"
_RUNBOOK: Final = ".runbook"
_KEEPERS: Final = "keeper-*.lock"
_REMEMBERED: Final = 500

SOMEBODY: Final = "somebody"


@dataclass(frozen=True, slots=True)
class Mandate:
    """What was confirmed, and what is to follow it by itself.

    ``then`` was confirmed with it and is to be begun after it, one after the other.
    """

    intent: Intent
    promises: tuple[Promise, ...] = ()
    then: tuple[Intent, ...] = ()

    def promise(self, kind: PromiseKind) -> Promise | None:
        """What is to follow of one kind, if it is to."""
        return next((each for each in self.promises if each.kind is kind), None)


class Mandates:
    """This user's mandates in the state ``folder``. Raises StateError."""

    def __init__(self, folder: Path) -> None:
        self._state = folder
        self._folder = folder / "mandates" / str(os.geteuid())

    def give(self, intent: Intent, then: tuple[Intent, ...] = ()) -> None:
        """Let ``intent`` be carried out by processes of this user, and ``then`` after it."""
        plan = intent.plan
        following = Promise(intent.operation, PromiseKind.NEXT, plan.service, plan.created_at)
        self._give(Mandate(intent, (following,) if then else (), then))

    def get(self, operation: str) -> Mandate | None:
        """The mandate of an operation; None where this user gave none, or it is over."""
        if not OPERATION_ID.fullmatch(operation) or not self._folder.exists():
            return None
        with self._open() as folder:
            return self._read(operation, folder)

    def all(self) -> tuple[Mandate, ...]:
        """Every mandate of this user's, in the order of their ids."""
        if not self._folder.exists():
            return ()
        with self._open() as folder:
            names = (name.removesuffix(".json") for name in sorted(os.listdir(folder)))
            found = (self._read(name, folder) for name in names if OPERATION_ID.fullmatch(name))
            return tuple(each for each in found if each is not None)

    def arm(self, promise: Promise) -> None:
        """Have a promise kept; one of the same kind of the operation is replaced."""
        mandate = self.get(promise.operation)
        if mandate is None:
            raise StateError(f"there is no mandate for operation {promise.operation}")
        others = tuple(each for each in mandate.promises if each.kind is not promise.kind)
        self._write(replace(mandate, promises=(*others, promise)))

    def drop(self, operation: str, kind: PromiseKind) -> None:
        """Keep a promise no longer; the mandate ends with the last one."""
        mandate = self.get(operation)
        if mandate is None:
            return
        left = tuple(each for each in mandate.promises if each.kind is not kind)
        if left:
            self._write(replace(mandate, promises=left))
        else:
            self.end(operation)

    def end(self, operation: str) -> None:
        """Let nothing more be carried out for an operation."""
        with self._open() as folder, suppress(FileNotFoundError):
            os.unlink(_name(operation), dir_fd=folder)

    def remember(self, intent: Intent, state: OperationState) -> None:
        """Keep what was performed, and how it ended, as this user's own record.

        It has no secrets, but of a degradation, which is put back to what there was before.
        """
        plan = intent.plan
        kept = plan if plan.kind is ActionKind.DEGRADE else plan_codec.published(plan)
        document = {
            "state": str(self._state),
            "plan": json.loads(plan_codec.encode(kept)),
            "ended": state.value,
        }
        with self._open() as folder:
            name = _done(intent.operation)
            durable.replace(name, json.dumps(document).encode(), _MODE, folder=folder)
            self._forget_oldest(folder, _DONE)

    def believed(self, past: tuple[Past, ...]) -> tuple[Past, ...]:
        """``past`` of the journal, each as this user's own record has it, or marked as hearsay."""
        given = {each.intent.operation: each.intent.plan for each in self.all()}
        if not self._folder.exists():
            return tuple(_as_given(each, given) for each in past)
        with self._open() as folder:
            return tuple(self._own(each, folder, given) for each in past)

    def _own(self, past: Past, folder: int, given: Mapping[str, Plan]) -> Past:
        operation = past.operation
        if not OPERATION_ID.fullmatch(operation):
            return _hearsay(past)
        content = self._content(_done(operation), folder)
        if content is None:
            return _as_given(past, given)
        try:
            document = json.loads(content)
            plan = plan_codec.decode(json.dumps(document["plan"]))
            ended = OperationState(document["ended"])
            here = document["state"] == str(self._state)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _hearsay(past)
        return replace(past, plan=plan, state=ended) if here else _hearsay(past)

    @staticmethod
    def _forget_oldest(folder: int, ending: str) -> None:
        names = [name for name in os.listdir(folder) if name.endswith(ending)]
        if len(names) <= _REMEMBERED:
            return
        ages = sorted((os.stat(name, dir_fd=folder).st_mtime_ns, name) for name in names)
        for _, name in ages[: len(names) - _REMEMBERED]:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)

    def begin_step(self, run: str, step: str) -> None:
        """Let consoles of this user carry out, and go on with, a step of a run of a runbook."""
        with self._open() as folder:
            durable.replace(_step(run), step.encode(), _MODE, folder=folder)

    def is_at_step(self, run: str, step: str) -> bool:
        """Whether this user has begun that step, and it is not over."""
        if not self._folder.exists():
            return False
        with self._open() as folder:
            return self._content(_step(run), folder) == step.encode()

    def end_step(self, run: str) -> None:
        """Let nothing more be done for a step of a run."""
        with self._open() as folder, suppress(FileNotFoundError):
            os.unlink(_step(run), dir_fd=folder)

    def keep_runbook(self, run: str, written: str) -> None:
        """Keep the runbook of a run as it is now, to go on with whatever becomes of its file."""
        with self._open() as folder:
            durable.replace(_runbook(run), written.encode(), _MODE, folder=folder)
            self._forget_oldest(folder, _RUNBOOK)

    def runbook_of(self, run: str) -> str | None:
        """The runbook of a run that this user began, as it was then."""
        if not RUN_ID.fullmatch(run) or not self._folder.exists():
            return None
        with self._open() as folder:
            content = self._content(_runbook(run), folder)
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError:
            return None

    def are_there(self) -> bool:
        """Whether this user has a place for them on this host."""
        return self._folder.exists()

    def moved_at(self) -> int:
        """A number that differs once a mandate was given, changed or ended."""
        with self._open() as folder:
            return os.fstat(folder).st_mtime_ns

    def take_keeper(self, config_path: str) -> HeldFlock | None:
        """The right to keep promises under a configuration, or None while a process has it."""
        with self._open():
            return flock.take(self._folder / _keeper(config_path))

    def keeper_is_there(self, config_path: str | None = None) -> bool:
        """Whether a process keeps this user's promises under that configuration, None for any."""
        if config_path is not None:
            return flock.is_held(self._folder / _keeper(config_path))
        return any(flock.is_held(path) for path in self._folder.glob(_KEEPERS))

    def take_promise(self, operation: str, kind: PromiseKind) -> Held | None:
        """The right to keep one promise, or None while another process keeps it."""
        with self._open():
            return flock.take(self._folder / _keeping(operation, kind))

    def is_kept(self, operation: str, kind: PromiseKind) -> bool:
        """Whether a process keeps that promise."""
        return flock.is_held(self._folder / _keeping(operation, kind))

    def is_nobodys(self, operation: str, overdue: float) -> bool:
        """Whether no process can carry out any more what is due since ``overdue`` seconds and has
        no mandate here. Of a folder it is always its user's, who may come back."""
        return False

    def forget_promise(self, operation: str, kind: PromiseKind) -> None:
        """Remove what stood for the right to keep a promise that is over."""
        with self._open() as folder, suppress(FileNotFoundError):
            os.unlink(_keeping(operation, kind), dir_fd=folder)

    def _give(self, mandate: Mandate) -> None:
        text = encoded(mandate, str(self._state))
        with self._open() as folder:
            durable.create(_name(mandate.intent.operation), text, _MODE, folder=folder)

    def _write(self, mandate: Mandate) -> None:
        name = _name(mandate.intent.operation)
        with self._open() as folder:
            text = encoded(mandate, str(self._state))
            durable.replace(name, text, _MODE, folder=folder)

    def _read(self, operation: str, folder: int) -> Mandate | None:
        """A mandate of this state; None for what is none."""
        content = self._content(_name(operation), folder)
        if content is None:
            return None
        return decoded(content, operation, str(self._state))

    def _content(self, name: str, folder: int) -> bytes | None:
        """What this user alone can have written into a file; None for what is none."""
        try:
            descriptor = durable.open_file(name, os.O_RDONLY, folder=folder)
        except OSError:
            return None
        try:
            mine = _is_mine(os.fstat(descriptor), 0o022)
            return durable.read_all(descriptor, _LIMIT) if mine else None
        except OSError:
            return None
        finally:
            os.close(descriptor)

    @contextmanager
    def _open(self) -> Iterator[int]:
        """The descriptor of the folder, made if it is not there."""
        with self._telling():
            self._folder.mkdir(0o700, exist_ok=True)
            descriptor = os.open(self._folder, _FOLDER)
            try:
                if not _is_mine(os.fstat(descriptor), 0o077):
                    raise StateError(
                        f"{self._folder} is not this user's alone",
                        remedy="look at who made it, and remove it",
                    )
                yield descriptor
            finally:
                os.close(descriptor)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StateError(
                f"cannot use {self._folder}: {error.strerror}",
                remedy="see that the state folder has room and may be written by this user",
            ) from error


def _as_given(past: Past, given: Mapping[str, Plan]) -> Past:
    """By the mandate that stands for it, whichever host it was confirmed on."""
    plan = given.get(past.operation)
    return _hearsay(past) if plan is None else replace(past, plan=plan)


def _hearsay(past: Past) -> Past:
    return replace(past, said_by=past.who or SOMEBODY)


def _is_mine(status: os.stat_result, others: int) -> bool:
    return status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & others


def _name(operation: str) -> str:
    return f"{operation}.json"


def _done(operation: str) -> str:
    return f"{operation}{_DONE}"


def _keeper(config_path: str) -> str:
    return f"keeper-{hashlib.sha256(config_path.encode()).hexdigest()[:16]}.lock"


def _keeping(operation: str, kind: PromiseKind) -> str:
    return f"{checked(operation, OPERATION_ID, 'an operation')}.{kind.value}.lock"


def _runbook(run: str) -> str:
    return f"{checked(run, RUN_ID, 'a run of a runbook')}{_RUNBOOK}"


def _step(run: str) -> str:
    return f"{checked(run, RUN_ID, 'a run of a runbook')}.step"


def encoded(mandate: Mandate, state: str) -> bytes:
    """A mandate for the state of that name, as it is kept."""
    document = {
        "version": _VERSION,
        "state": state,
        **_document(mandate.intent),
        "promises": [asdict(each) for each in mandate.promises],
        "then": [_document(each) for each in mandate.then],
    }
    return json.dumps(document).encode()


def decoded(content: bytes, operation: str, state: str) -> Mandate | None:
    """The mandate for an operation of a state; None for what is none."""
    try:
        document = json.loads(content)
        mandate = _decoded(document)
        here = document["state"] == state
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, StateError):
        return None
    return mandate if here and mandate.intent.operation == operation else None


def _document(intent: Intent) -> dict[str, Any]:
    plan = json.loads(plan_codec.encode(intent.plan))
    return {**asdict(replace(intent, plan=None)), "plan": plan}  # type: ignore[arg-type]


def _decoded(document: dict[str, Any]) -> Mandate:
    promises = tuple(
        Promise(**{**each, "kind": PromiseKind(each["kind"])}) for each in document["promises"]
    )
    then = tuple(_intent(each) for each in document.get("then", ()))
    return Mandate(_intent(document), promises, then)


def _intent(document: dict[str, Any]) -> Intent:
    plan = plan_codec.decode(json.dumps(document["plan"]))
    texts = ("operation", "reason", "declaration", "config_path", "base")
    words = {name: str(document[name]) for name in texts}
    return Intent(**words, plan=plan, who=Who(**document["who"]))
