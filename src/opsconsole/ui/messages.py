"""Typed messages to the screens, named after what has happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass  # noqa: TID251 - not of slots
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.message import Message

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

    from opsconsole.model.asked.questions import Question
    from opsconsole.model.operation import Refusal

T = TypeVar("T")


class SnapshotArrived(Message):
    """A snapshot waits in the bridge's slot. Several of these count as one."""

    def can_replace(self, message: Message) -> bool:
        """Only the latest counts."""
        return isinstance(message, SnapshotArrived)


@dataclass
class EngineFailed(Message):
    """The engine could not be made or started; ``reason`` is safe text.

    With an invalid configuration there is nothing to show: the console ends with ``exit_code``.
    """

    reason: str
    exit_code: int | None = None


@dataclass
class Answered(Message, Generic[T]):
    """The engine's answer to a question; ``then`` handles it for ``asker``."""

    question: Question[T]
    answer: T | Refusal
    then: Callable[[T | Refusal], object]
    asker: MessagePump | None = None

    def deliver(self) -> None:
        """Deliver the answer; it is dropped if its asker is gone."""
        if self.asker is None or self.asker.is_attached:
            self.then(self.answer)


@dataclass
class NotePosted(Message):
    """A notice for the bottom line, shown for a few seconds."""

    text: str
