"""The interfaces between screens and app.

Invariant: imports neither a screen nor the app, so that neither needs the other's module; imports
nothing heavy, so that the first paint waits only for the curtain.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.screen import Screen
from textual.widget import Widget

from opsconsole.clock import Clock
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.ui.awaiting import Awaiting
from opsconsole.ui.bridge import Bridge
from opsconsole.ui.changes import Changes
from opsconsole.ui.choosing import Choosing
from opsconsole.ui.options import Options
from opsconsole.ui.routes import Route
from opsconsole.ui.themes import Palette, RoleStyles
from opsconsole.ui.time_axis import TimeAxis
from opsconsole.ui.time_travel import TimeTravel
from opsconsole.ui.tray import Tray

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.message import Message

    from opsconsole.model.snapshot import EnvironmentView

BASE_DEPTH: Final = 2
"""Number of screens that are always there: the curtain, and the overview or the wall."""


class ConsoleLike(Protocol):
    """The part of the console that screens use.

    ``opened_at`` is when it was opened. ``failure`` says why there is no data, or ''.
    ``away_shown`` is whether operations that ended while the user was away are visible,
    ``away_over`` whether they were seen.
    """

    clock: Clock
    options: Options
    bridge: Bridge
    time: TimeTravel
    time_axis: TimeAxis
    changes: Changes
    choosing: Choosing
    tray: Tray
    awaiting: Awaiting
    keymap: dict[str, str]
    role_styles: RoleStyles
    opened_at: float
    failure: str
    away_shown: bool
    away_over: bool

    @property
    def place(self) -> EnvironmentView:
        """The environment as configured, until a snapshot says more."""
        ...

    @property
    def time_note(self) -> str:
        """What the header says of the engine."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether changes are refused. The executor decides; this only greys keys."""
        ...

    def open(self, route: Route, closed: Callable[[], None] | None = None) -> None:
        """Open the screen of ``route``; ``closed`` is called when it is closed."""
        ...

    def say(self, text: str) -> None:
        """Show a notice in the bottom line of the visible screen."""
        ...

    def leave(self) -> None:
        """End the console; operations continue in their runners."""
        ...

    def read_again(self) -> None:
        """Have the configuration read again."""
        ...

    def use_palette(self, palette: Palette) -> None:
        """Show everything in ``palette`` from now on."""
        ...

    def copy_to_clipboard(self, text: str) -> None:
        """Copy ``text`` by OSC 52."""
        ...

    def post_message(self, message: Message) -> bool:
        """Post a message, from any thread."""
        ...

    def pressed(self, at: float | None) -> AbstractContextManager[None]:
        """Handle input given at the moment ``at``: it refers to what was visible then."""
        ...

    def later(self, at: float | None, do: Callable[..., object], *arguments: str) -> None:
        """Call ``do`` later on the app's loop, for input given at the moment ``at``."""
        ...

    def run_action(self, action: str, default_namespace: DOMNode | None = None) -> Awaitable[bool]:
        """Run a key's action on ``default_namespace``."""
        ...


def console_of(app: App[Any]) -> ConsoleLike:
    """The app, typed as screens know it; every app that shows them has this type."""
    return cast(ConsoleLike, app)


class Shown(Screen[None], inherit_bindings=False):
    """A screen that can update itself."""

    @property
    def console_app(self) -> ConsoleLike:
        """The console that it is on."""
        return console_of(self.app)

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close, once: a screen that is no longer on top closes nothing, and the base stays."""
        closable = self.is_current and len(self.app.screen_stack) > BASE_DEPTH
        return super().dismiss(result) if closable else AwaitComplete()

    @property
    def looks_at(self) -> str:
        """The one service that it is about, '' for none: others are shown who looks at it."""
        return ""

    def show(self) -> None:
        """Update what is visible."""

    def show_header(self) -> None:
        """Update only what concerns the whole console, if it is shown."""

    def too_early(self, event: events.Event) -> bool:
        """Whether ``event`` was meant for the screen before this one."""
        return False

    def taken(self, event: events.Event) -> bool:
        """Handle ``event`` if it belongs to a prompt here. Returns whether it did."""
        return False


class Speaking(Shown, inherit_bindings=False):
    """A screen that can show a notice in its bottom line."""

    def say(self, text: str) -> None:
        """Show ``text`` for a few seconds."""


class Typed(NamedTuple):
    """A command that is typed with words behind it, and is no key."""

    name: str
    about: str
    takes: Callable[[str], object]


class HasKeys(Speaking, inherit_bindings=False):
    """A screen whose keys are also commands."""

    @property
    def typed(self) -> Iterable[Typed]:
        """The commands of this screen that are no keys."""
        return ()

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes of the keys that work now."""
        return (Scope.EVERYWHERE,)

    @property
    def actors(self) -> tuple[Widget, ...]:
        """The objects whose actions keys run; the first with that action is used."""
        return (self,)

    def exists(self, key: Key) -> bool:
        """Whether there is what ``key`` is about, such as the view of its number."""
        return True

    def possible(self, key: Key) -> bool:
        """Whether ``key`` does something here at this moment."""
        return True
