"""What the screens need of an engine.

Invariant: every method returns at once; slow answers are futures, and a refusal says why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

    from opsconsole.model.asked.questions import Question
    from opsconsole.model.logs import LogReader, PageListener
    from opsconsole.model.operation import Refusal
    from opsconsole.model.past.replay import Span
    from opsconsole.model.snapshot import Snapshot

T = TypeVar("T")


class EngineLike(Protocol):
    """What the screens need of an engine. Every method returns at once."""

    @property
    def latest(self) -> Snapshot | None:
        """The newest snapshot, if there is one."""
        ...

    @property
    def pulse(self) -> float | None:
        """A value that changes at least twice in ten seconds while it lives; None says nothing."""
        ...

    @property
    def recorded(self) -> Span | None:
        """The span of time that can be shown, as far as is known."""
        ...

    def start(self) -> None:
        """Start reading the world on the engine's own thread."""
        ...

    def stop(self, within: float) -> None:
        """Stop; return after at most ``within`` seconds."""
        ...

    def listen(self, callback: Callable[[Snapshot], None], /) -> object:
        """Call ``callback`` with every snapshot, on the engine's thread."""
        ...

    def refresh(self) -> None:
        """Look at everything again soon."""
        ...

    def reload(self) -> None:
        """Read the configuration again soon."""
        ...

    def note(self, text: str, service: str = "") -> None:
        """Put a person's note on the timeline."""
        ...

    def ask(self, question: Question[T], /) -> Future[T | Refusal]:
        """Answer a question, or refuse with a reason."""
        ...

    def open_logs(self, service: str, on_page: PageListener) -> LogReader:
        """Follow a service's logs; ``on_page`` is called on a thread of the reader."""
        ...
