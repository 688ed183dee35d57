"""Between the engine, which lives on its own thread, and the screens.

Invariant: the screens never wait for the engine and the engine never waits for the screens. A
snapshot goes into a slot where only the latest stays, and one message says that it is there;
answers of futures come back as messages. Nothing here raises into either side.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from textual.message import Message

from opsconsole.errors import ConfigError, OpsconsoleError
from opsconsole.text import sanitize
from opsconsole.ui.messages import (
    BackupsArrived,
    BackupVerified,
    EngineFailed,
    MomentArrived,
    NotePosted,
    OperationStarted,
    PagesArrived,
    PlanArrived,
    RunbookAnswered,
    SnapshotArrived,
    UnitsArrived,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

    from opsconsole.model.logs import LogReader, PageListener
    from opsconsole.model.operation import ActionRequest, Confirmation, Plan, Refusal
    from opsconsole.model.replay import Span
    from opsconsole.model.runbook_runs import RunbookAnswer, RunbookRequest
    from opsconsole.model.snapshot import Snapshot
    from opsconsole.ui.engine_like import EngineLike

T = TypeVar("T")
LET_GO_WITHIN = 5.0
"""Seconds for an engine to end before another takes its place."""
EX_CONFIG = 78
"""The exit code of sysexits.h for a configuration that cannot be used."""


class Bridge:
    """The screens' side of the engine. ``post`` is the app's thread-safe ``post_message``."""

    def __init__(
        self, make_engine: Callable[[], EngineLike], post: Callable[[Message], object]
    ) -> None:
        self._make_engine = make_engine
        self._post = post
        self._engine: EngineLike | None = None
        self._heeded: EngineLike | None = None
        self._stopped = threading.Event()
        self._starting = threading.Lock()
        self._latest: Snapshot | None = None

    @property
    def latest(self) -> Snapshot | None:
        """The newest snapshot that has arrived."""
        return self._latest

    @property
    def recorded(self) -> Span | None:
        """From when to when there are moments to show, as far as is known."""
        return None if self._engine is None else self._engine.recorded

    @property
    def pulse(self) -> float | None:
        """What changes as long as the engine lives; it stands still while there is none."""
        return 0.0 if self._engine is None else self._engine.pulse

    def start(self) -> None:
        """Make and start the engine on a thread of its own; imports happen there."""
        threading.Thread(target=self._run, name="engine-start", daemon=True).start()

    def restart(self) -> None:
        """Let the engine go and make another, unless one is being made; the snapshot stays."""
        threading.Thread(target=self._run_again, name="engine-start", daemon=True).start()

    def _run_again(self) -> None:
        if not self._starting.acquire(blocking=False):
            return
        try:
            before, self._engine, self._heeded = self._engine, None, None
            if before is not None:
                before.stop(LET_GO_WITHIN)
            # An engine keeps what it was made of from the collector; that of this one is to go.
            gc.unfreeze()
            gc.collect()
            self._make_and_start()
        finally:
            self._starting.release()

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
        with self._starting:
            self._make_and_start()

    def _make_and_start(self) -> None:
        try:
            engine = self._make_engine()
            if self._stopped.is_set():
                return
            self._heeded = engine
            engine.listen(lambda snapshot: self._heard(engine, snapshot))
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
                self._heard(engine, engine.latest)

    def _heard(self, engine: EngineLike, snapshot: Snapshot) -> None:
        if engine is not self._heeded:
            return  # it was let go and has not ended yet
        self._latest = snapshot
        if not self._stopped.is_set():
            self._post(SnapshotArrived())

    def refresh(self) -> None:
        """Ask the engine to look again soon."""
        if self._engine is not None:
            self._engine.refresh()

    def reload(self) -> None:
        """Ask the engine to read the configuration again."""
        if self._engine is not None:
            self._engine.reload()

    def note(self, text: str, service: str = "") -> None:
        """Put a note on the timeline."""
        if self._engine is not None:
            self._engine.note(text, service)

    def ask(
        self,
        call: Callable[[EngineLike], Future[T | Refusal]],
        tell: Callable[[T | None, Refusal | None], Message],
    ) -> None:
        """Ask the engine by ``call``; its answer comes as the message that ``tell`` makes of it."""
        if self._engine is None:
            self._post(NotePosted("the engine is still starting: try again in a moment"))
            return

        def answered(future: Future[T | Refusal]) -> None:
            self._post(tell(*_outcome(future)))

        call(self._engine).add_done_callback(answered)

    def plan(self, request: ActionRequest) -> None:
        """Ask for a plan; the answer is a ``PlanArrived``."""
        self.ask(
            lambda engine: engine.plan(request),
            lambda plan, refusal: PlanArrived(request, plan, refusal),
        )

    def perform(self, plan: Plan, confirmation: Confirmation) -> None:
        """Start a confirmed plan; the answer is an ``OperationStarted``."""
        self.ask(
            lambda engine: engine.perform(plan, confirmation),
            lambda operation, refusal: OperationStarted(plan, operation, refusal),
        )

    def stop_rollback(self, operation: str) -> None:
        """Stop the rollback that an operation armed; what came of it is said."""
        self.ask(
            lambda engine: engine.stop_rollback(operation),
            lambda _, refusal: NotePosted(
                f"not stopped: {refusal}" if refusal else "the rollback is stopped"
            ),
        )

    def moment(self, at: float) -> None:
        """Ask for a moment that has passed; the answer is always a ``MomentArrived``."""
        from opsconsole.model.operation import Refusal

        if self._engine is None:
            self._post(MomentArrived(at, None, Refusal("starting", "the engine is still starting")))
            return
        self.ask(
            lambda engine: engine.moment(at),
            lambda found, refusal: MomentArrived(at, found, refusal),
        )

    def backups(self, service: str) -> None:
        """Ask for the backups of a service; the answer is a ``BackupsArrived``."""
        self.ask(
            lambda engine: engine.backups(service),
            lambda found, refusal: BackupsArrived(service, found, refusal),
        )

    def verify_backup(self, service: str, backup: str) -> None:
        """Have a backup compared with its hashes; the answer is a ``BackupVerified``."""
        self.ask(
            lambda engine: engine.verify_backup(service, backup),
            lambda found, refusal: BackupVerified(service, backup, found, refusal),
        )

    def pages(self, service: str, tell: Callable[[PagesArrived], object]) -> bool:
        """Look at the declared pages of a service; the answer goes to ``tell``, on any thread.

        False while the engine starts: nothing was asked.
        """
        return self._look(
            lambda engine: engine.pages(service),
            lambda found, refusal: tell(PagesArrived(service, found, refusal)),
        )

    def units(self, service: str, tell: Callable[[UnitsArrived], object]) -> bool:
        """Look at the systemd units of a service, as ``pages`` does at pages."""
        return self._look(
            lambda engine: engine.units(service),
            lambda found, refusal: tell(UnitsArrived(service, found, refusal)),
        )

    def _look(
        self,
        call: Callable[[EngineLike], Future[T | Refusal]],
        tell: Callable[[T | None, Refusal | None], object],
    ) -> bool:
        if self._engine is None:
            return False

        def answered(future: Future[T | Refusal]) -> None:
            tell(*_outcome(future))

        call(self._engine).add_done_callback(answered)
        return True

    def runbook(self, request: RunbookRequest, tell: Callable[[RunbookAnswered], object]) -> None:
        """Do one thing with a run of a runbook; the answer goes to ``tell``, on any thread."""
        if self._engine is None:
            self._post(NotePosted("the engine is still starting: try again in a moment"))
            return

        def answered(future: Future[RunbookAnswer | Refusal]) -> None:
            tell(RunbookAnswered(*_outcome(future)))

        self._engine.runbook(request).add_done_callback(answered)

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
