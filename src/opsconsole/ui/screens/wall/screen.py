"""The wall: an unattended screen.

Invariant: only the keys that leave do anything, nothing waits for a key, and whatever fails the
screen stays: it says what is missing, and restarts reading until it works.
"""

from collections.abc import Callable, Sequence
from typing import Final

from textual import events, on
from textual.app import ComposeResult

from opsconsole.model.snapshot import Snapshot
from opsconsole.render.fleet.saved_views import narrowed
from opsconsole.render.frame import keys
from opsconsole.render.ink.cells import Line
from opsconsole.render.wall.panels import lines, shifted
from opsconsole.render.wall.scene import Scene, Trouble, View, is_red
from opsconsole.ui.contracts import Speaking
from opsconsole.ui.options import WallOptions
from opsconsole.ui.screens.wall.turning import SILENT_AFTER, Drift, Pulse, Revival, Rotation
from opsconsole.ui.terminal.partial_updates import PreciseCompositor
from opsconsole.ui.widgets.line_widget import LineWidget

NOTICE_SECONDS: Final = 6.0
LOCKED: Final = "this wall is locked · :q and enter, or ctrl-c twice, leaves it"
NO_PULSE: Final = f"the engine has given no sign of life for {SILENT_AFTER:.0f} s"
LEAVES: Final = frozenset({"q", "q!", "qa", "wq", "quit"})
_TYPED_AT_MOST: Final = 8


class WallPanel(LineWidget):
    """The picture of the wall, which fills the screen and is moved about within its margin.

    Invariant: the picture is made for what the margin leaves, so that no move cuts it.
    """

    DEFAULT_CSS = "WallPanel { width: 100%; height: 100%; }"

    def show(self, picture: Callable[[int, int], list[Line]], now: float) -> None:
        """Paint what ``picture`` makes for a width and a height, where it stands at ``now``."""
        width, height = self.size.width, self.size.height
        if width <= 0 or height <= 0:
            return
        margin = Drift.of(width, height)
        lines = picture(width - margin.across, height - margin.down)
        self.paint_lines(shifted(lines, *margin.at(now)))


class WallScreen(Speaking, inherit_bindings=False):
    """Rotates its views, keeps what is red, shifts its picture, and restarts the engine."""

    def __init__(self, options: WallOptions) -> None:
        super().__init__()
        self._compositor = PreciseCompositor()
        self._options = options
        self._whole: Snapshot | None = None
        self._part: Snapshot | None = None
        self._rotation: Rotation | None = None
        self._pulse = Pulse()
        self._revival = Revival()
        self._said = ""
        self._sayings = 0
        self._typed: str | None = None

    def compose(self) -> ComposeResult:
        """One picture."""
        yield WallPanel()

    def on_mount(self) -> None:
        """Show what is already there."""
        self.show()

    def on_resize(self) -> None:
        """The whole layout depends on the size."""
        self.call_after_refresh(self.show)

    @on(LineWidget.Resized)
    def _panel_resized(self) -> None:
        self.show()

    # ---- what is shown ----

    def show(self) -> None:
        """Update the picture."""
        if not self.is_mounted or not self.query(WallPanel):
            return
        app = self.console_app
        now = app.clock.now()
        self._tend(now)
        scene = self._scene(self._narrowed(app.bridge.latest), now)

        def picture(width: int, height: int) -> list[Line]:
            return lines(scene, width, height)

        self.query_one(WallPanel).show(picture, now)

    def _narrowed(self, snapshot: Snapshot | None) -> Snapshot | None:
        """What the saved view leaves of ``snapshot``."""
        saved = self._options.saved
        if saved is None or snapshot is None:
            return snapshot
        if snapshot is not self._whole:
            self._whole, self._part = snapshot, narrowed(snapshot, saved)
        return self._part

    def _scene(self, snapshot: Snapshot | None, now: float) -> Scene:
        app = self.console_app
        if self._rotation is None:
            self._rotation = Rotation(_views(self._options.views), self._options.rotate, now)
        rotation = self._rotation
        trouble = self._trouble(now)
        view = rotation.turn(now, red=is_red(snapshot))
        return Scene(
            snapshot,
            app.place,
            now,
            app.clock.wall(),
            View.BLIND if trouble else view,
            rotation.views,
            rotation.shown_for(now),
            max(5.0, self._options.rotate / 2),
            ascii_only=app.options.ascii,
            seconds=not app.options.low_bandwidth,
            said=self._said if self._typed is None else f":{self._typed}▏",
            trouble=trouble,
        )

    def _trouble(self, now: float) -> Trouble | None:
        revival = self._revival
        if revival.since is None:
            return None
        return Trouble(revival.reason, revival.since, revival.again_in(now), revival.attempts)

    def _tend(self, now: float) -> None:
        """Check whether the engine lives, and have it restarted if not."""
        app, revival = self.console_app, self._revival
        silent = self._pulse.silent(app.bridge.pulse, now)
        if not app.failure and not silent:
            revival.alive(now)
            return
        if revival.since is None:
            since = now if app.failure else now - SILENT_AFTER
            revival.failed(app.failure or NO_PULSE, now, since)
        elif app.failure:
            revival.reason = app.failure
        if revival.attempt(now):
            app.bridge.restart()

    # ---- what is said ----

    def say(self, text: str) -> None:
        """Show a notice at the bottom of the wall for a few seconds."""
        self._said = text
        self._typed = None
        self._forget_later()
        self.show()

    def _forget_later(self) -> None:
        self._sayings += 1
        ticket = self._sayings

        def forget() -> None:
            if self._sayings == ticket:
                self._said, self._typed = "", None
                self.show()

        self.set_timer(NOTICE_SECONDS, forget)

    # ---- the lock ----

    def taken(self, event: events.Event) -> bool:
        """All input stays here, except the key that leaves when pressed twice."""
        if not isinstance(event, events.InputEvent | events.Paste):
            return False
        if isinstance(event, events.Key):
            if event.key in self._keys("quit"):
                return False
            self._key(event)
        return True

    def _key(self, event: events.Key) -> None:
        if self._typed is None:
            if event.key in self._keys("commands"):
                self._type("")
            else:
                self.say(LOCKED)
        elif event.key == "enter" and self._typed in LEAVES:
            self.console_app.leave()
        elif event.character is not None and event.is_printable:
            self._type((self._typed + event.character)[:_TYPED_AT_MOST])
        elif event.key == "backspace" and self._typed:
            self._type(self._typed[:-1])
        else:
            self.say(LOCKED)

    def _type(self, text: str) -> None:
        self._typed = text
        self._forget_later()
        self.show()

    def _keys(self, name: str) -> Sequence[str]:
        """The keys of a binding, the user's own if there are any."""
        own = self.console_app.keymap.get(name)
        return own.split(",") if own else keys.default_keys()[name]


def _views(names: Sequence[str]) -> tuple[View, ...]:
    """The named views, in that order."""
    return tuple(View(name) for name in names)
