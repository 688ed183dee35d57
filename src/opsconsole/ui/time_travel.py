"""Which moment the whole console shows: the present, held or not, or a past one.

Invariant: while another moment than the present is shown, nothing can be changed: ``refusal`` says
why. A step shows the requested moment at once; its picture follows when it was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from opsconsole.clock import Clock
from opsconsole.render.frame import replay as said
from opsconsole.ui.bridge import Bridge
from opsconsole.ui.replay import Replay
from opsconsole.ui.time_axis import TimeAxis

if TYPE_CHECKING:
    from opsconsole.model.operation import Refusal
    from opsconsole.model.past.replay import Moment
    from opsconsole.model.snapshot import Snapshot


class View(Protocol):
    """The view that shows the moment."""

    def show(self) -> None:
        """Update the visible screens."""

    def show_headers(self) -> None:
        """Update only what concerns the whole console."""

    def say(self, text: str) -> None:
        """Show a notice in the bottom line of the visible screen."""


class TimeTravel:
    """The moment that ``view`` shows; ``replay`` keeps its state."""

    def __init__(self, bridge: Bridge, clock: Clock, axis: TimeAxis, view: View) -> None:
        self._bridge = bridge
        self._clock = clock
        self._axis = axis
        self._view = view
        self.replay = Replay(self._read, clock.now)

    @property
    def shown(self) -> Snapshot | None:
        """The snapshot to show: the latest, or that of the shown moment."""
        moment = self.replay.moment
        return self._bridge.latest if moment is None else moment.snapshot

    @property
    def is_live(self) -> bool:
        """Whether the present is shown, and no other moment was requested."""
        return self.replay.is_live

    @property
    def now(self) -> float:
        """The time that ages count from: that of the shown moment."""
        moment = self.replay.moment
        return self._clock.now() if moment is None else moment.at

    @property
    def refusal(self) -> str:
        """Why nothing may be changed from the shown moment; '' if that is the present."""
        if self.is_live:
            return ""
        return said.refused_sentence(self.now, self._clock.now(), held=self.replay.held)

    def go_live(self) -> None:
        """Show the present again."""
        self.replay.release()
        self._view.show()

    def go_to(self, moment: float) -> None:
        """Show ``moment``, in Unix seconds, if anything is known about it."""
        self._show_asked(self.replay.go(moment))

    def pause(self) -> None:
        """Hold the picture; from a held or a past one, return to now."""
        if self.is_live and self._bridge.latest is not None:
            self.replay.hold(self._bridge.latest)
        else:
            self.replay.release()
        self._view.show()

    def step(self, seconds: int) -> None:
        """Go that many seconds back, if negative, or forth."""
        if self._bridge.latest is None:
            self._view.say("nothing was seen yet: there is nowhere to go back to")
            return
        self._show_asked(self.replay.step(seconds, self._bridge.recorded))

    def go_to_typed(self, text: str) -> None:
        """Go to the typed moment, or say what is wrong with it."""
        from opsconsole.model.written.typed_time import TypedTimeError, moment_of

        if not text.strip():
            return
        try:
            now = self._clock.now()
            moment = moment_of(text, now)
        except TypedTimeError as error:
            self._view.say(str(error))
            return
        if moment >= now:
            self.go_live()
        else:
            self.go_to(moment)

    def _read(self, at: float) -> None:
        from opsconsole.model.asked.questions import MomentAt

        self._bridge.ask(MomentAt(at), lambda answer: self._arrived(at, answer))

    def _arrived(self, asked: float, answer: Moment | Refusal) -> None:
        """Show the moment, or say why it cannot be shown."""
        from opsconsole.model.past.replay import Moment

        if isinstance(answer, Moment):
            self._axis.grow(answer.snapshot, answer.at)
            self._tell(self.replay.arrived(asked, answer))
        else:
            self._tell(self.replay.arrived(asked, None, self._sentence(answer)))

    def _sentence(self, refusal: Refusal) -> str:
        recorded, now = self._bridge.recorded, self._clock.now()
        if recorded is not None and refusal.code == "before-recording":
            return said.before_sentence(recorded, now)
        if recorded is not None and refusal.code == "after-recording":
            return said.after_sentence(recorded, now)
        return str(refusal)

    def _show_asked(self, sentence: str) -> None:
        """The request is shown at once; the picture is painted when it arrives."""
        if self.is_live:
            self._tell(sentence)
            return
        self._view.show_headers()
        if sentence:
            self._view.say(sentence)

    def _tell(self, sentence: str) -> None:
        self._view.show()
        if sentence:
            self._view.say(sentence)
