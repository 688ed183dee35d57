"""Connects the engine, which lives on its own thread, to the screens.

Invariant: the screens never wait for the engine and the engine never waits for the screens. A
snapshot goes into a slot that keeps only the latest, and one message announces it; results of
futures come back as messages. Nothing here raises into either side.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from textual.message import Message

from opsconsole.errors import ConfigError, OpsconsoleError
from opsconsole.text import sanitize
from opsconsole.ui.messages import Answered, EngineFailed, SnapshotArrived

if TYPE_CHECKING:
    from concurrent.futures import Future

    from textual.message_pump import MessagePump

    from opsconsole.model.asked.questions import Question
    from opsconsole.model.logs import LogReader, PageListener
    from opsconsole.model.operation import Refusal
    from opsconsole.model.past.replay import Span
    from opsconsole.model.snapshot import Snapshot
    from opsconsole.ui.engine_like import EngineLike

T = TypeVar("T")
LET_GO_WITHIN = 5.0
"""Seconds for an engine to end before another replaces it."""
STARTING = "starting"
"""The code of refusals while there is no engine yet."""
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
        """The span of time that can be shown, as far as is known."""
        return None if self._engine is None else self._engine.recorded

    @property
    def pulse(self) -> float | None:
        """A value that changes while the engine lives; constant if there is none."""
        return 0.0 if self._engine is None else self._engine.pulse

    def start(self) -> None:
        """Create and start the engine on its own thread; imports happen there."""
        threading.Thread(target=self._run, name="engine-start", daemon=True).start()

    def restart(self) -> None:
        """Stop the engine and create another, unless one is being created; the snapshot stays."""
        threading.Thread(target=self._run_again, name="engine-start", daemon=True).start()

    def _run_again(self) -> None:
        if not self._starting.acquire(blocking=False):
            return
        try:
            before, self._engine, self._heeded = self._engine, None, None
            if before is not None:
                before.stop(LET_GO_WITHIN)
            # An engine freezes its objects for the garbage collector; those of the old one should
            # go.
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
        except Exception as error:  # noqa: BLE001  # thread boundary: shown on the screen
            self._post(EngineFailed(f"{type(error).__name__}: {sanitize(str(error), limit=200)}"))
        else:
            self._engine = engine
            if engine.latest is not None:
                self._heard(engine, engine.latest)

    def _heard(self, engine: EngineLike, snapshot: Snapshot) -> None:
        if engine is not self._heeded:
            return  # it was stopped and has not ended yet
        self._latest = snapshot
        if not self._stopped.is_set():
            self._post(SnapshotArrived())

    def refresh(self) -> None:
        """Ask the engine to look at everything again soon."""
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
        question: Question[T],
        then: Callable[[T | Refusal], object],
        *,
        asker: MessagePump | None = None,
    ) -> None:
        """Ask the engine. The answer arrives as an ``Answered`` message; the app calls ``then``.

        It is dropped if ``asker``, a part of a screen, is gone by then.
        """
        engine = self._engine
        if engine is None:
            self._post(Answered(question, _starting(), then, asker))
            return

        def answered(future: Future[T | Refusal]) -> None:
            self._post(Answered(question, _outcome(future), then, asker))

        engine.ask(question).add_done_callback(answered)

    def open_logs(self, service: str, on_page: PageListener) -> LogReader | None:
        """Follow a service's logs until the reader is closed; None while the engine starts."""
        return None if self._engine is None else self._engine.open_logs(service, on_page)


def _starting() -> Refusal:
    from opsconsole.model.operation import Refusal

    return Refusal(STARTING, "the engine is still starting", "try again in a moment")


def _outcome(future: Future[T | Refusal]) -> T | Refusal:
    """The result of a future; an error becomes a refusal with the error's own words."""
    from opsconsole.model.operation import Refusal

    if future.cancelled():
        return Refusal("cancelled", "the engine stopped before it could answer")
    error = future.exception()
    if error is None:
        return future.result()
    return Refusal("error", sanitize(str(error), limit=400) or type(error).__name__)
