"""Between the engine, which lives on its own thread, and the screens.

Invariant: the screens never wait for the engine and the engine never waits for the screens. A
snapshot goes into a slot where only the latest stays, and one message says that it is there;
answers of futures come back as messages. Nothing here raises into either side.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from textual.message import Message

from opsconsole.errors import ConfigError, OpsconsoleError
from opsconsole.text import sanitize
from opsconsole.ui.messages import (
    BackupsArrived,
    BackupVerified,
    EngineFailed,
    NotePosted,
    OperationStarted,
    PlanArrived,
    SnapshotArrived,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

    from opsconsole.model.backups import BackupView
    from opsconsole.model.logs import LogReader, PageListener
    from opsconsole.model.operation import ActionRequest, Confirmation, Operation, Plan, Refusal
    from opsconsole.model.snapshot import Snapshot

T = TypeVar("T")
EX_CONFIG = 78
"""The exit code of sysexits.h for a configuration that cannot be used."""


class EngineLike(Protocol):
    """What the screens need of an engine. Every method returns at once."""

    @property
    def latest(self) -> Snapshot | None:
        """The newest snapshot, if there is one."""
        ...

    def start(self) -> None:
        """Start reading the world on the engine's own thread."""
        ...

    def stop(self, within: float) -> None:
        """Stop; return after at most ``within`` seconds."""
        ...

    def listen(self, callback: Callable[[Snapshot], None], /) -> object:
        """Call ``callback`` with each snapshot, on the engine's thread."""
        ...

    def refresh(self) -> None:
        """Look at everything again soon."""
        ...

    def note(self, text: str, service: str = "") -> None:
        """Put a person's note on the timeline."""
        ...

    def plan(self, request: ActionRequest) -> Future[Plan | Refusal]:
        """Work out what exactly would be done."""
        ...

    def perform(self, plan: Plan, confirmation: Confirmation) -> Future[Operation | Refusal]:
        """Start the confirmed plan in its runner; the answer says that it was started."""
        ...

    def stop_rollback(self, operation: str) -> Future[Operation | Refusal]:
        """Keep the automatic rollback after an operation from being begun."""
        ...

    def backups(self, service: str) -> Future[tuple[BackupView, ...] | Refusal]:
        """The backups of a service, newest first."""
        ...

    def verify_backup(self, service: str, backup: str) -> Future[BackupView | Refusal]:
        """One backup after every byte of it was compared; reads only."""
        ...

    def open_logs(self, service: str, on_page: PageListener) -> LogReader:
        """Follow a service's logs; ``on_page`` is called on a thread of the reader."""
        ...


class Bridge:
    """The screens' side of the engine. ``post`` is the app's thread-safe ``post_message``."""

    def __init__(
        self, make_engine: Callable[[], EngineLike], post: Callable[[Message], object]
    ) -> None:
        self._make_engine = make_engine
        self._post = post
        self._engine: EngineLike | None = None
        self._stopped = threading.Event()
        self._latest: Snapshot | None = None

    @property
    def latest(self) -> Snapshot | None:
        """The newest snapshot that has arrived."""
        return self._latest

    def start(self) -> None:
        """Make and start the engine on a thread of its own; imports happen there."""
        threading.Thread(target=self._run, name="engine-start", daemon=True).start()

    def stop(self, within: float) -> None:
        """Stop the engine; return after at most ``within`` seconds."""
        self._stopped.set()
        engine = self._engine
        if engine is None:
            return
        stopper = threading.Thread(target=engine.stop, args=(within,), daemon=True)
        stopper.start()
        stopper.join(within)

    def _run(self) -> None:
        try:
            engine = self._make_engine()
            if self._stopped.is_set():
                return
            engine.listen(self._arrived)
            engine.start()
        except ConfigError as error:
            self._post(EngineFailed(sanitize(str(error), multiline=True), EX_CONFIG))
        except OpsconsoleError as error:
            self._post(EngineFailed(sanitize(str(error), multiline=True)))
        except Exception as error:  # noqa: BLE001  # thread boundary: said on the screen, which stays
            self._post(EngineFailed(f"{type(error).__name__}: {sanitize(str(error), limit=200)}"))
        else:
            self._engine = engine
            if engine.latest is not None:
                self._arrived(engine.latest)

    def _arrived(self, snapshot: Snapshot) -> None:
        self._latest = snapshot
        if not self._stopped.is_set():
            self._post(SnapshotArrived())

    def refresh(self) -> None:
        """Ask the engine to look again soon."""
        if self._engine is not None:
            self._engine.refresh()

    def note(self, text: str, service: str = "") -> None:
        """Put a note on the timeline."""
        if self._engine is not None:
            self._engine.note(text, service)

    def plan(self, request: ActionRequest) -> None:
        """Ask for a plan; the answer is a ``PlanArrived``."""
        if self._engine is None:
            self._post(NotePosted("the engine is still starting: try again in a moment"))
            return

        def answered(future: Future[Plan | Refusal]) -> None:
            answer = _outcome(future)
            self._post(PlanArrived(request, *answer))

        self._engine.plan(request).add_done_callback(answered)

    def perform(self, plan: Plan, confirmation: Confirmation) -> None:
        """Start a confirmed plan; the answer is an ``OperationStarted``."""
        if self._engine is None:
            return

        def answered(future: Future[Operation | Refusal]) -> None:
            answer = _outcome(future)
            self._post(OperationStarted(plan, *answer))

        self._engine.perform(plan, confirmation).add_done_callback(answered)

    def stop_rollback(self, operation: str) -> None:
        """Stop the rollback that an operation armed; what came of it is said."""
        if self._engine is None:
            return

        def answered(future: Future[Operation | Refusal]) -> None:
            _, refusal = _outcome(future)
            said = f"not stopped: {refusal}" if refusal else "the rollback is stopped"
            self._post(NotePosted(said))

        self._engine.stop_rollback(operation).add_done_callback(answered)

    def backups(self, service: str) -> None:
        """Ask for the backups of a service; the answer is a ``BackupsArrived``."""
        if self._engine is None:
            return

        def answered(future: Future[tuple[BackupView, ...] | Refusal]) -> None:
            self._post(BackupsArrived(service, *_outcome(future)))

        self._engine.backups(service).add_done_callback(answered)

    def verify_backup(self, service: str, backup: str) -> None:
        """Have a backup compared with its hashes; the answer is a ``BackupVerified``."""
        if self._engine is None:
            return

        def answered(future: Future[BackupView | Refusal]) -> None:
            self._post(BackupVerified(service, backup, *_outcome(future)))

        self._engine.verify_backup(service, backup).add_done_callback(answered)

    def open_logs(self, service: str, on_page: PageListener) -> LogReader | None:
        """Follow a service's logs until the reader is closed; None while the engine starts."""
        return None if self._engine is None else self._engine.open_logs(service, on_page)


def _outcome(future: Future[T | Refusal]) -> tuple[T | None, Refusal | None]:
    """What a future came to; an error is a refusal with the error's own words."""
    from opsconsole.model.operation import Refusal

    if future.cancelled():
        return None, Refusal("cancelled", "the engine stopped before it could answer")
    error = future.exception()
    if error is None:
        result = future.result()
        return (None, result) if isinstance(result, Refusal) else (result, None)
    refused = getattr(error, "refusal", None)
    if isinstance(refused, Refusal):
        return None, refused
    said = sanitize(str(error), limit=400) or type(error).__name__
    return None, Refusal("error", said, getattr(error, "remedy", ""))
