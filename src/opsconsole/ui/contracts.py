"""What screens and app know of each other.

Invariant: imports no screen and not the app, so that neither needs the other's module; and nothing
heavy, so that the first paint waits for no screen but the curtain.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.screen import Screen
from textual.widget import Widget

from opsconsole.clock import Clock
from opsconsole.render.keys import Scope
from opsconsole.ui.bridge import Bridge
from opsconsole.ui.changes import Changes
from opsconsole.ui.options import Options
from opsconsole.ui.routes import Route
from opsconsole.ui.themes import Palette, RoleStyles
from opsconsole.ui.time_axis import TimeAxis
from opsconsole.ui.time_travel import TimeTravel

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.message import Message

    from opsconsole.model.snapshot import EnvironmentView

BASE_DEPTH: Final = 2
"""Screens that are always there: the curtain, and the overview or the wall over it."""


class ConsoleLike(Protocol):
    """What screens use of the console that shows them.

    ``failure`` says why the engine sees nothing, or ''. ``away_shown`` is whether what ended while
    nobody was there is in sight, ``away_over`` whether it was seen.
    """

    clock: Clock
    options: Options
    bridge: Bridge
    time: TimeTravel
    time_axis: TimeAxis
    changes: Changes
    keymap: dict[str, str]
    role_styles: RoleStyles
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
        """Whether changes are refused; the executor decides, this only greys keys."""
        ...

    def open(self, route: Route, closed: Callable[[], None] | None = None) -> None:
        """Go to ``route``; ``closed`` is called when one comes back from it."""
        ...

    def say(self, text: str) -> None:
        """Say something in the bottom line of the screen in sight."""
        ...

    def leave(self) -> None:
        """End the console; operations go on in their runners."""
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
        """Hand a message over, from any thread."""
        ...

    def pressed(self, at: float | None) -> AbstractContextManager[None]:
        """Handle what a person did at the moment ``at``: it means what was in sight then."""
        ...

    def later(self, at: float | None, do: Callable[..., object], *arguments: str) -> None:
        """Call ``do`` when the app comes to it, for what a person did at the moment ``at``."""
        ...

    def run_action(self, action: str, default_namespace: DOMNode | None = None) -> Awaitable[bool]:
        """Do what a key does, on ``default_namespace``."""
        ...


def console_of(app: App[Any]) -> ConsoleLike:
    """The app with the type that screens know; every app that shows them is one."""
    return cast(ConsoleLike, app)


class Shown(Screen[None], inherit_bindings=False):
    """A screen that can bring itself up to date."""

    @property
    def console_app(self) -> ConsoleLike:
        """The console that it is on."""
        return console_of(self.app)

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close, once: nothing is closed by what is not on top any more, nor is the base."""
        closable = self.is_current and len(self.app.screen_stack) > BASE_DEPTH
        return super().dismiss(result) if closable else AwaitComplete()

    def show(self) -> None:
        """Bring what is in sight up to date."""

    def show_header(self) -> None:
        """Bring only that up to date which is true of the whole console, where it is shown."""

    def too_early(self, event: events.Event) -> bool:
        """Whether ``event`` was meant for what was there before this screen."""
        return False

    def taken(self, event: events.Event) -> bool:
        """Whether ``event`` belongs to a line that is being typed here, and is done with."""
        return False


class Speaking(Shown, inherit_bindings=False):
    """A screen that can say something in its bottom line."""

    def say(self, text: str) -> None:
        """Say ``text`` for a few seconds."""


class HasKeys(Speaking, inherit_bindings=False):
    """A screen whose keys are commands as well."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes of the keys that work at present."""
        return (Scope.EVERYWHERE,)

    @property
    def actors(self) -> tuple[Widget, ...]:
        """Whose actions the keys run, the first that has one."""
        return (self,)
