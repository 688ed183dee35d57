"""What the screens need of an engine.

Invariant: every method returns at once; what takes time is a future, whose refusal says why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

    from opsconsole.model.logs import LogReader, PageListener
    from opsconsole.model.operation import Refusal
    from opsconsole.model.questions import Question
    from opsconsole.model.replay import Span
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
        """What changes at least twice in ten seconds as long as it lives; None tells nothing."""
        ...

    @property
    def recorded(self) -> Span | None:
        """From when to when there are moments to show, as far as is known."""
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

    def reload(self) -> None:
        """Read the configuration again soon."""
        ...

    def note(self, text: str, service: str = "") -> None:
        """Put a person's note on the timeline."""
        ...

    def ask(self, question: Question[T], /) -> Future[T | Refusal]:
        """Answer a question, or say why not."""
        ...

    def open_logs(self, service: str, on_page: PageListener) -> LogReader:
        """Follow a service's logs; ``on_page`` is called on a thread of the reader."""
        ...
