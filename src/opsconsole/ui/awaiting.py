"""What the user waits to hear of, and how they are called when it has its answer.

Invariant: at most ``MOST`` at a time, each ends with its answer. Answers are made of the latest
snapshot, whatever moment is shown. Sending one further, where that is configured, happens on a
thread of its own; what became of it is said in the bottom line.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from opsconsole.text import sanitize

if TYPE_CHECKING:
    from opsconsole.model.awaited import Answer, Awaited
    from opsconsole.model.snapshot import Snapshot

MOST: Final = 12


class Awaiting:
    """``call`` calls the user with a line; ``send`` sends an answer further, and says what went
    wrong, or ''; None where nobody else is called. ``say`` may be called from any thread."""

    def __init__(
        self,
        call: Callable[[str], None],
        send: Callable[[Answer], str] | None,
        say: Callable[[str], object],
    ) -> None:
        self._call, self._send, self._say = call, send, say
        self._asked: list[Awaited] = []

    def ask(self, awaited: Awaited) -> str:
        """Wait for it, or no longer where it is waited for. Returns what to say."""
        from opsconsole.render.awaited import asked

        known = next((each for each in self._asked if _same(each, awaited)), None)
        if known is not None:
            self._asked.remove(known)
            return f"you will not hear of {known.name}"
        if len(self._asked) >= MOST:
            return f"{MOST} are waited for already: the key on one of them ends it"
        self._asked.append(awaited)
        return asked(awaited)

    def look(self, latest: Snapshot) -> None:
        """Call the user for what has its answer."""
        if not self._asked or latest.replayed:
            return
        from opsconsole.model.awaited import answer
        from opsconsole.render.awaited import heard

        for awaited in tuple(self._asked):
            found = answer(awaited, latest)
            if found is not None:
                self._asked.remove(awaited)
                self._call(heard(found))
                self._send_further(found)

    def _send_further(self, found: Answer) -> None:
        send = self._send
        if send is None:
            return

        def run() -> None:
            try:
                fault = send(found)
            except Exception as error:  # noqa: BLE001 - the thread's boundary: reported
                fault = f"{type(error).__name__}: {sanitize(str(error), limit=200)}"
            if fault:
                self._say(f"not sent further: {fault}")

        threading.Thread(target=run, name="answer", daemon=True).start()


def _same(one: Awaited, other: Awaited) -> bool:
    return (one.kind, one.key) == (other.kind, other.key)
