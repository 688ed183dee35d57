"""The timeline in a recording's file: each event once, referred to by its number.

Invariant: the events of a snapshot are stored as runs of numbers, in its order; an event that the
file already holds keeps its number: a restarted console repeats it, and a console that takes over
the recording saw the same as the one before, a moment earlier or later.
"""

import json
import sqlite3
from collections.abc import Callable
from typing import Final

from opsconsole.engine.judge.alike import APART, Known
from opsconsole.engine.recording.codec import Encoder
from opsconsole.engine.recording.codec import layout as layout_of
from opsconsole.model.events import Event

_REMEMBERED: Final = 3_000
"""Number of latest events that are kept to recognise repeats."""


class EventRows:
    """Assigns numbers to events, in the writer's transactions."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        layout: int,
        encoder: Encoder,
        decode: Callable[[str], Event],
    ) -> None:
        self._connection = connection
        self._layout = layout
        self._encoder = encoder
        self._events: tuple[Event, ...] = ()
        self._numbers: list[int] = []
        self._stored: dict[str, int] = {}
        # Another version's events are written as ours where an event is.
        alike = json.dumps(_alike(connection))
        query = (
            "SELECT data, id FROM events WHERE layout IN (SELECT value FROM json_each(?))"
            " ORDER BY id DESC LIMIT ?"
        )
        self._stored.update(connection.execute(query, (alike, _REMEMBERED)))
        (self._next,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM events").fetchone()
        (until,) = connection.execute("SELECT max(end) FROM segments").fetchone()
        self._recorded_until: float | None = until
        self._before = Known()
        self._numbered: dict[Event, int] = {}
        for data, number in self._stored.items():
            event = decode(data)
            self._numbered[event] = number
            self._before.add(event)

    @property
    def first(self) -> int:
        """The lowest event number in the latest snapshot; the next number if it has no events."""
        return min(self._numbers, default=self._next)

    def numbers(self, events: tuple[Event, ...]) -> list[list[int]]:
        """Runs of the numbers of ``events``; new events are added to the file."""
        kept = self._kept(events)
        numbers = kept + [self._number(event) for event in events[len(kept) :]]
        self._events, self._numbers = events, numbers
        return _runs(numbers)

    def _kept(self, events: tuple[Event, ...]) -> list[int]:
        """Numbers of the events shared with the previous snapshot: its end, our beginning."""
        if not events:
            return []
        for place, event in enumerate(self._events):
            if event is events[0]:
                same = min(len(self._events) - place, len(events))
                if all(map(_is, self._events[place : place + same], events)):
                    return self._numbers[place : place + same]
        return []

    def _number(self, event: Event) -> int:
        data = json.dumps(self._encoder.encode(event), separators=(",", ":"))
        known = self._stored.get(data)
        if known is not None:
            self._before.take(event)
            return known
        same = self._before.same(event) if self._may_be_known(event) else None
        if same is not None:
            self._stored[data] = self._numbered[same]
            return self._stored[data]
        cursor = self._connection.execute(
            "INSERT INTO events (at, service, layout, data) VALUES (?, ?, ?, ?)",
            (event.at, event.service, self._layout, data),
        )
        number = cursor.lastrowid or 0
        if len(self._stored) > 2 * _REMEMBERED:
            self._stored.clear()
        self._stored[data] = number
        self._next = number + 1
        return number

    def _may_be_known(self, event: Event) -> bool:
        """Whether another console recorded when it happened."""
        until = self._recorded_until
        return until is not None and event.at <= until + APART


def _alike(connection: sqlite3.Connection) -> list[int]:
    """The layouts in which an event is written as this version writes it."""
    ours = layout_of(Event)
    rows = connection.execute("SELECT id, fields FROM layouts")
    return [number for number, fields in rows if ours.items() <= json.loads(fields).items()]


def _is(one: object, other: object) -> bool:
    return one is other


def _runs(numbers: list[int]) -> list[list[int]]:
    """``[1, 2, 3, 7]`` as ``[[1, 3], [7, 7]]``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs
