"""The keys that take the whole console back in time, and what every screen then shows.

Invariant: while another moment than the present is shown, nothing can be changed: ``refusal`` says
why, whoever asks. A step is answered at once with the moment that it asks for; its picture
follows when it was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsconsole.clock import Clock
from opsconsole.render import replay as said
from opsconsole.ui.bridge import Bridge
from opsconsole.ui.opening import Opening
from opsconsole.ui.replay import Replay
from opsconsole.ui.screens.contracts import Shown
from opsconsole.ui.time_axis import TimeAxis

if TYPE_CHECKING:
    from opsconsole.model.operation import Refusal
    from opsconsole.model.snapshot import Snapshot
    from opsconsole.ui.messages import MomentArrived


class TimeTravel(Opening, inherit_bindings=False):
    """An app that shows the present, or another moment instead."""

    bridge: Bridge
    clock: Clock
    replay: Replay
    time_axis: TimeAxis

    def show(self) -> None:
        """Bring the screens in sight up to date."""
        raise NotImplementedError

    @property
    def shown(self) -> Snapshot | None:
        """The snapshot to show: the latest, or that of the moment at hand."""
        moment = self.replay.moment
        return self.bridge.latest if moment is None else moment.snapshot

    @property
    def is_live(self) -> bool:
        """Whether the present is shown, and no other moment asked for."""
        return self.replay.is_live

    @property
    def now(self) -> float:
        """The time that ages count from: of the moment that is shown."""
        moment = self.replay.moment
        return self.clock.now() if moment is None else moment.at

    @property
    def refusal(self) -> str:
        """Why nothing may be changed from what is shown; '' where that is the present."""
        if self.is_live:
            return ""
        return said.refused_sentence(self.now, self.clock.now(), held=self.replay.held)

    def go_live(self) -> None:
        """Show the present again."""
        self.replay.release()
        self.show()

    def go_to(self, moment: float) -> None:
        """Show ``moment``, in Unix seconds, if anything is known of it."""
        self._show_asked(self.replay.go(moment))

    def action_pause(self) -> None:
        """Hold the picture; from a held or a past one, return to now."""
        if self.is_live and self.bridge.latest is not None:
            self.replay.hold(self.bridge.latest)
        else:
            self.replay.release()
        self.show()

    def action_step(self, seconds: int) -> None:
        """Go so many seconds back, where negative, or forth."""
        if self.bridge.latest is None:
            self.say("nothing was seen yet: there is nowhere to go back to")
            return
        self._show_asked(self.replay.step(seconds, self.bridge.recorded))

    def action_at(self) -> None:
        """Ask for a moment to go to."""
        from opsconsole.ui.screens.base import ConsoleScreen
        from opsconsole.ui.widgets.moment_prompt import MomentPrompt

        if isinstance(self.screen, ConsoleScreen):
            self.screen.ask(MomentPrompt())

    def go_to_typed(self, text: str) -> None:
        """Go to the moment that a person typed, or say what is wrong with it."""
        from opsconsole.model.typed_time import TypedTimeError, moment_of

        if not text.strip():
            return
        try:
            now = self.clock.now()
            moment = moment_of(text, now)
        except TypedTimeError as error:
            self.say(str(error))
            return
        if moment >= now:
            self.go_live()
        else:
            self.go_to(moment)

    def on_moment_arrived(self, message: MomentArrived) -> None:
        """Show the moment, or say why it cannot be shown."""
        moment, refusal = message.moment, message.refusal
        if moment is not None:
            self.time_axis.grow(moment.snapshot, moment.at)
        sentence = "" if refusal is None else self._sentence(refusal)
        self._tell(self.replay.arrived(message.asked, moment, sentence))

    def _sentence(self, refusal: Refusal) -> str:
        recorded, now = self.bridge.recorded, self.clock.now()
        if recorded is not None and refusal.code == "before-recording":
            return said.before_sentence(recorded, now)
        if recorded is not None and refusal.code == "after-recording":
            return said.after_sentence(recorded, now)
        return str(refusal)

    def _show_asked(self, sentence: str) -> None:
        """What is asked for is said at once; the picture is painted when it is there."""
        if self.is_live:
            self._tell(sentence)
            return
        for screen in self.screen_stack:
            if isinstance(screen, Shown):
                screen.show_header()
        if sentence:
            self.say(sentence)

    def _tell(self, sentence: str) -> None:
        self.show()
        if sentence:
            self.say(sentence)
