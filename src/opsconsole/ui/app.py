"""The console's application: one bridge to the engine, a stack of screens, one shown moment.

Invariant: handlers return at once; slow work happens behind the bridge and its result comes back as
a message. The program ends only by ctrl-c twice, ``:q`` or a signal.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen

from opsconsole.clock import Clock, SystemClock
from opsconsole.render.frame.keys import Scope, first_shown, moved, with_keymap
from opsconsole.render.ink.own_keys import esc, key_of, use_keys
from opsconsole.ui.awaiting import Awaiting
from opsconsole.ui.bindings import bindings, keymap_problems
from opsconsole.ui.bridge import Bridge
from opsconsole.ui.changes import Changes
from opsconsole.ui.choosing import Choosing
from opsconsole.ui.contracts import BASE_DEPTH, ConsoleLike, HasKeys, Shown, Speaking
from opsconsole.ui.messages import Answered, EngineFailed, NotePosted, SnapshotArrived
from opsconsole.ui.navigation import is_open, screen_of
from opsconsole.ui.options import Options
from opsconsole.ui.routes import OverviewPage, Route, TrayPage, WallPage
from opsconsole.ui.screens.curtain import CurtainScreen
from opsconsole.ui.terminal.output_gate import OutputGate
from opsconsole.ui.themes import BUILT_IN, Palette, RoleStyles, textual_theme
from opsconsole.ui.time_axis import TimeAxis
from opsconsole.ui.time_travel import TimeTravel
from opsconsole.ui.tray import FIRST_AFTER, FIRST_TRIES, LOOK_EVERY, Tray
from opsconsole.zones import LOCAL, USUAL, show_in, shown

if TYPE_CHECKING:
    from opsconsole.model.operation import Operation
    from opsconsole.model.snapshot import Appearance, EnvironmentView, Snapshot
    from opsconsole.ui.engine_like import EngineLike

TICK = 1.0
JUST_NOW = 0.6
"""The part of a tick for which what was shown by news needs no tick of its own."""
COSTLY = 100.0
"""Of a core, news of a large fleet may make the screen take one part in so many, unless a tick has
passed."""
LARGE = 40
"""Services of a fleet from which on that is so."""
PAINT_FIRST = 0.03
"""Seconds given to the first paint before the rest is imported; a refresh alone is not a paint."""
STOP_WITHIN = 2.0
CRASHED = 70
QUIET = 0.4
"""Seconds after a dialog closed in which keys are ignored, because they were meant for it."""


class Console(App[int], inherit_bindings=False):
    """The application of one console."""

    TITLE = "opsconsole"
    CSS_PATH = "styles/console.tcss"
    ALLOW_SELECT = False
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[Binding | tuple[str, str] | tuple[str, str, str]]] = bindings(
        Scope.EVERYWHERE
    )

    def __init__(
        self,
        make_engine: Callable[[], EngineLike],
        *,
        options: Options,
        clock: Clock | None = None,
        driver_class: type[Driver] | None = None,
    ) -> None:
        self.options = options
        self._gate = OutputGate(ascii_only=options.ascii)
        self.role_styles = RoleStyles(BUILT_IN.get(options.theme, Palette()))
        super().__init__(driver_class=driver_class)
        self.animation_level = "none"
        self.clock: Clock = clock or SystemClock()
        self.bridge = Bridge(make_engine, self.post_message)
        self.time_axis = TimeAxis(options.window)
        self.time = TimeTravel(self.bridge, self.clock, self.time_axis, self)
        self.keymap: dict[str, str] = {}
        use_keys({})
        self._appearance: Appearance | None = None
        self.failure = ""
        self.opened_at = self.clock.now()
        self.changes = Changes(self.time, self.open, self.say)
        self.choosing = Choosing(options.choices, lambda text: self.post_message(NotePosted(text)))
        self.tray = Tray(
            options.finder if options.wall is None else None,
            self.choosing,
            lambda: self.call_later(self._found),
            lambda text: self.post_message(NotePosted(text)),
        )
        self.awaiting = Awaiting(
            self._call, options.send_answer, lambda text: self.post_message(NotePosted(text))
        )
        self.pressed_at: float | None = None
        self._interrupted_at = 0.0
        self._closed_at = 0.0
        self._offered = False
        self._typed = False
        self._shown_at = self._rest = 0.0
        self._show_planned = False
        self._when_closed: dict[Screen[Any], Callable[[], None]] = {}
        self._looks_at = ""
        self.away_shown = False
        self.away_over = False
        self.use_palette(self.role_styles.palette)

    # ---- what is shown ----

    @property
    def place(self) -> EnvironmentView:
        """The environment as configured, until a snapshot says more."""
        from opsconsole.model.snapshot import EnvironmentView

        return EnvironmentView(name=self.options.environment, danger=self.options.danger)

    @property
    def time_note(self) -> str:
        """What the header says of the engine."""
        return "ENGINE STOPPED" if self.failure else ""

    @property
    def read_only(self) -> bool:
        """Whether changes are refused. The executor decides; this only greys keys."""
        latest = self.bridge.latest
        return self.options.read_only or bool(latest and latest.read_only)

    def get_default_screen(self) -> Screen[None]:
        """The curtain, until the overview is there."""
        return CurtainScreen(self.options)

    def get_line_filters(self) -> list[LineFilter]:
        """Textual's filters, then the gate."""
        return [*super().get_line_filters(), self._gate]

    def on_mount(self) -> None:
        """Paint first, then start the engine."""
        self.set_timer(PAINT_FIRST, self._painted)

    def _use_keymap(self, wanted: Mapping[str, str]) -> None:
        """The user's own keys if they are valid; else the usual ones, with the reason."""
        if not wanted and not self.keymap:
            return
        problems = keymap_problems(wanted)
        if problems:
            self.say(f"your keys are not used: {problems[0]}")
            return
        self.keymap = dict(wanted)
        self.set_keymap(self.keymap)
        use_keys(first_shown(self.keymap))

    def read_again(self) -> None:
        """Have the configuration read again; the result is on the timeline, or a notice."""
        self.bridge.reload()
        self.say("reading the configuration again")

    def _use_appearance(self, latest: Snapshot) -> None:
        """Apply theme and keys of a configuration that was read again."""
        before, wanted = self._appearance, latest.appearance
        if wanted is None or wanted is before:
            return
        self._appearance = wanted
        if before is None:
            return
        if wanted.keys != before.keys:
            self._use_keymap(dict(wanted.keys))
        # A theme that the user chose stays until the file names another one.
        if wanted.theme != before.theme:
            self.load_themes(wanted.theme)

    async def _painted(self) -> None:
        self.bridge.start()
        wall = self.options.wall
        await self.push_screen(screen_of(OverviewPage() if wall is None else WallPage(wall)))
        self._use_keymap(self.options.keys)
        self.choosing.load(lambda: self.call_later(self.show))
        self.set_interval(TICK * (2 if self.options.low_bandwidth else 1), self._tick)
        if self.options.theme not in BUILT_IN:
            self.load_themes(self.options.theme)
        self.set_timer(FIRST_AFTER, self._look_around)
        self.set_interval(LOOK_EVERY, self.tray.look)

    def _look_around(self, tries: int = FIRST_TRIES) -> None:
        """Look for what is not watched, once what is watched was looked at."""
        if tries and not _is_read(self.bridge.latest):
            self.set_timer(FIRST_AFTER, lambda: self._look_around(tries - 1))
        else:
            # What was made so far stays: looking through it would stop the screen.
            gc.freeze()
            gc.enable()
            self.tray.look()

    def _found(self) -> None:
        """Show how much there is; without a configuration it is what is shown first."""
        finder, shown = self.tray.finder, len(self.screen_stack)
        if finder is not None and finder.is_first and not self._offered and shown == BASE_DEPTH:
            self._offered = True
            if self.tray.offers and not self._typed:
                self.open(TrayPage())
        self.show()

    def on_unmount(self) -> None:
        """Stop the engine, waiting for a bounded time."""
        self.bridge.stop(STOP_WITHIN)

    def _tick(self) -> None:
        """Let what is shown age, unless it was shown a moment ago."""
        if time.monotonic() - self._shown_at > TICK * JUST_NOW:
            self.show()

    def show(self) -> None:
        """Update the visible screens: the top one and those below a dialog."""
        if self.role_styles.past is self.time.is_live:
            self.role_styles = RoleStyles(self.role_styles.palette, past=not self.time.is_live)
        self._shown_at, began = time.monotonic(), time.thread_time()
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Shown):
                screen.show()
            if not screen.is_modal:
                break
        self._rest = min(TICK, COSTLY * (time.thread_time() - began))
        self._show_to_others()

    def _show_to_others(self) -> None:
        """Let the other consoles know at which service this one looks."""
        from opsconsole.model.asked.questions import LookAt

        screens = [each for each in reversed(self.screen_stack) if isinstance(each, Shown)]
        about = (each.looks_at for each in screens if each.looks_at or not each.is_modal)
        service = next(about, "")
        if service != self._looks_at and self.bridge.latest is not None:
            self._looks_at = service
            self.bridge.ask(LookAt(service), lambda _: None)

    def show_headers(self) -> None:
        """Update only what concerns the whole console."""
        for screen in self.screen_stack:
            if isinstance(screen, Shown):
                screen.show_header()

    def open(self, route: Route, closed: Callable[[], None] | None = None) -> None:
        """Open the screen of ``route``; ``closed`` is called when it is closed."""
        screen = screen_of(route)
        if is_open(route, screen, self.screen_stack):
            self.say(f"this page is open already: {esc()} goes back to it")
            return
        if closed is not None:
            # Not by its result: who opened it may be closed by then, and would never hear of it.
            self._when_closed[screen] = closed
        self.push_screen(screen)

    def say(self, text: str) -> None:
        """Show a notice in the bottom line of the visible screen."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Speaking):
                screen.say(text)
                return

    def pop_screen(self) -> AwaitComplete:
        """Close the top screen; the first one, above the curtain, stays."""
        if len(self.screen_stack) <= BASE_DEPTH:
            return AwaitComplete()
        if self.screen.is_modal:
            self._closed_at = time.monotonic()
        closed = self._when_closed.pop(self.screen, None)
        if closed is not None:
            self.call_next(closed)
        return super().pop_screen()

    def _is_left_over(self, event: events.Event) -> bool:
        """Whether a key was typed into a dialog that has closed meanwhile."""
        if not isinstance(event, events.Key) or event.key == "ctrl+c" or self.screen.is_modal:
            return False
        return event.time < self._closed_at + QUIET

    async def on_key(self, event: events.Key) -> None:
        """A key without a binding gets a notice."""
        event.prevent_default()
        if await self._check_bindings(event.key):
            return
        plain = event.is_printable and "+" not in event.key
        name = event.character if plain else event.key.replace("+", "-")
        top: object = self.screen
        now = moved(event.key, top.scopes) if isinstance(top, HasKeys) else None
        if now is None:
            self.say(f"{name} does nothing here: {key_of('help', '?')} shows the keys")
        else:
            self.say(f"{name} is {with_keymap(now, self.keymap)} now: {now.label}")

    async def on_event(self, event: events.Event) -> None:
        """Input older than its dialog is dropped; input for an open prompt goes there at once."""
        if self._is_left_over(event):
            self.say("typed as the dialog closed: not used")
            return
        top: object = self.screen_stack[-1] if self.screen_stack else None
        if isinstance(event, events.Key) and self.away_shown and not self.away_over:
            self.away_over = True
            self.call_later(self.show)
        given = isinstance(event, events.InputEvent | events.Paste)
        self._typed = self._typed or isinstance(event, events.Key)
        with self.pressed(event.time if given else self.pressed_at):
            if not isinstance(top, Shown) or not (top.too_early(event) or top.taken(event)):
                await super().on_event(event)

    @contextmanager
    def pressed(self, at: float | None) -> Iterator[None]:
        """Handle input given at the moment ``at``: it refers to what was visible then."""
        before, self.pressed_at = self.pressed_at, at
        try:
            yield
        finally:
            self.pressed_at = before

    def later(self, at: float | None, do: Callable[..., object], *arguments: str) -> None:
        """Call ``do`` later on the app's loop, for input given at the moment ``at``."""

        async def call() -> None:
            with self.pressed(at):
                done = do(*arguments)
                if isawaitable(done):
                    await done

        self.call_later(call)

    # ---- messages ----

    def on_snapshot_arrived(self, _message: SnapshotArrived) -> None:
        """Show the latest."""
        latest = self.bridge.latest
        if latest is not None:
            self.failure = ""
            self.time_axis.grow(latest, self.clock.now())
            self._use_appearance(latest)
            self.awaiting.look(latest)
        if not self.options.low_bandwidth:
            self._show_in_time()

    def _show_in_time(self) -> None:
        """Show the news, at once where the last showing cost little, else within a tick."""
        latest = self.bridge.latest
        left = self._shown_at + self._rest - time.monotonic()
        if left <= 0 or latest is None or len(latest.services) < LARGE:
            self.show()
        elif not self._show_planned:
            self._show_planned = True
            self.set_timer(left, self._show_as_planned)

    def _show_as_planned(self) -> None:
        self._show_planned = False
        self._show_in_time()

    def _call(self, text: str) -> None:
        """Call the user to the terminal, who may look elsewhere."""
        from opsconsole.ui.terminal.attention import call

        self.say(text)
        if self._driver is not None:
            self._driver.write(call(text))

    def on_engine_failed(self, message: EngineFailed) -> None:
        """The console stays and says why it has no data, unless nothing can be shown."""
        never_ran = self.options.wall is None or self.bridge.latest is None
        if message.exit_code is not None and never_ran:
            self.exit(message.exit_code, return_code=message.exit_code)
            return
        self.failure = message.reason
        self.show()
        self.say(message.reason.splitlines()[0])

    def on_note_posted(self, message: NotePosted) -> None:
        """Say it."""
        self.say(message.text)

    def on_answered(self, message: Answered[object]) -> None:
        """Hand an answer to the part that asked."""
        message.deliver()

    # ---- themes ----

    def use_palette(self, palette: Palette) -> None:
        """Show everything in ``palette`` from now on."""
        theme = textual_theme(palette)
        self.register_theme(theme)
        self.role_styles = RoleStyles(palette, past=self.role_styles.past)
        self.theme = theme.name
        if self.is_running:
            self.show()

    def load_themes(self, wanted: str = "") -> None:
        """Read the themes of the configuration on a thread, then use ``wanted``."""
        from opsconsole.ui.theme_loader import load

        def loaded(palettes: dict[str, Palette], problem: str) -> None:
            self.call_later(self._themes_loaded, palettes, problem, wanted)

        load(loaded, wanted)

    def _themes_loaded(self, palettes: dict[str, Palette], problem: str, wanted: str) -> None:
        if wanted in palettes:
            self.use_palette(palettes[wanted])
        elif wanted:
            self.say(problem or f"no theme is called {wanted}: the dark one is shown")

    # ---- keys ----

    def action_command_palette(self) -> None:
        """Open the palette."""
        from textual.command import CommandPalette

        from opsconsole.ui.palette import ConsoleCommands

        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            self.push_screen(
                CommandPalette(providers=[ConsoleCommands], placeholder="command or service …")
            )

    def action_look_again(self) -> None:
        """Ask the engine to look at everything now."""
        self.bridge.refresh()
        self.say("looking at everything again")

    def action_interrupt(self) -> None:
        """The first ctrl-c shows a notice, the second within two seconds leaves."""
        if self.clock.now() - self._interrupted_at < 2.0:
            self.leave()
            return
        self._interrupted_at = self.clock.now()
        running = [run for run in self._operations() if not run.state.final]
        going = f"{running[0].kind.value} {running[0].service}" if running else ""
        also = f"; {going} continues without it" if going else ""
        self.say(f"{key_of('quit', 'ctrl-c')} again leaves the console{also}")

    def _operations(self) -> tuple[Operation, ...]:
        return self.bridge.latest.operations if self.bridge.latest else ()

    def leave(self) -> None:
        """End the console; operations continue in their runners."""
        self.exit(0)

    def action_mouse(self) -> None:
        """Release the mouse or capture it again."""
        from opsconsole.ui.terminal.driver import toggle_mouse

        taken = toggle_mouse(self._driver)
        self.say("the mouse is taken" if taken else "the mouse is free: text can be selected")

    def action_zone(self) -> None:
        """Show times in the next zone: UTC, this machine's, the configured one."""
        zones = tuple(dict.fromkeys((USUAL, LOCAL, self.options.time)))
        show_in(zones[(zones.index(shown()) + 1) % len(zones)])
        self.say(f"times are {'UTC' if shown() == USUAL else shown()} now")
        self.show()

    def action_redraw(self) -> None:
        """Paint everything again."""
        self.refresh(repaint=True, layout=True)

    # ---- ends ----

    def _handle_exception(self, error: Exception) -> None:
        """A programming error: the terminal is restored, one line is printed, a file has the
        rest."""
        if self.is_headless:
            super()._handle_exception(error)
            return
        from opsconsole.ui.terminal import crash

        crash.remember(error)
        self._return_code = CRASHED
        self._exception = self._exception or error
        self._close_messages_no_wait()


def _is_read(snapshot: Snapshot | None) -> bool:
    """Whether something is known of the services, where there are any."""
    if snapshot is None:
        return False
    return not snapshot.services or any(
        one.taken_at is not None for each in snapshot.services for one in each.instances
    )


_: type[ConsoleLike] = Console
"""The type checker compares the two here."""
