"""The base of all full screens: header, footer, notices, and how a snapshot reaches them.

Invariant: a screen shows the data that it is given and fetches none; handlers return at once.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from textual import events, on
from textual.widget import Widget

from opsconsole.model.operation import ActionKind, ActionView
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.frame import keys
from opsconsole.render.frame.command_line import meant, not_meant
from opsconsole.render.frame.keys import Scope
from opsconsole.render.frame.status_line import Hint, Part
from opsconsole.ui import automation, team
from opsconsole.ui.commands import (
    Command,
    commands,
    place_commands,
    runbook_commands,
    service_commands,
)
from opsconsole.ui.contracts import HasKeys
from opsconsole.ui.routes import (
    ActionsDialog,
    HelpPage,
    LogsPage,
    OperationsPage,
    RunbooksPage,
    SilencesPage,
    ThemeDialog,
)
from opsconsole.ui.terminal.partial_updates import PreciseCompositor
from opsconsole.ui.widgets.command_prompt import CommandPrompt
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.line_widget import LineWidget
from opsconsole.ui.widgets.moment_prompt import MomentPrompt
from opsconsole.ui.widgets.prompt import Prompt

NOTICE_SECONDS = 6.0
CHANGED_BY: Final = {
    "restart": {ActionKind.RESTART},
    "degrade": {ActionKind.DEGRADE, ActionKind.RECOVER},
    "backup": {ActionKind.BACKUP},
    "rollback": {ActionKind.ROLLBACK},
}
"""Which kinds of action a key asks for: it is offered where the service declares one."""
_ASKED: Final = "not known yet what may be done here: the journal has not been read"
_CONSOLE_FROM: Final = 50
"""The hint from which on a key is about the list or the console, not about what is selected."""


def _is_of_changes(key: keys.Key) -> bool:
    """Whether ``key`` opens something that leads to a change, the list of what can be done too."""
    return key.group is keys.Group.CHANGE or key.scope is Scope.CHANGE


def _part_of(key: keys.Key) -> Part:
    if _is_of_changes(key):
        return Part.CHANGE
    return Part.CONSOLE if key.hint >= _CONSOLE_FROM else Part.LOOK


class ConsoleScreen(HasKeys, inherit_bindings=False):
    """A full screen between a header and a footer."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.EVERYWHERE,)
    TITLE_OF_HELP: ClassVar[str] = "console"
    ABOUT_ONE: ClassVar[bool] = False
    """Whether all of it is about its target; else that is only what the cursor is on."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = PreciseCompositor()
        self._said = 0
        self._show_wanted = False
        self._prompt: Prompt | None = None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes of the keys that work now."""
        return self.SCOPES

    @property
    def actors(self) -> tuple[Widget, ...]:
        """The objects whose actions keys run; the first with that action is used."""
        return (self,)

    @property
    def looks_at(self) -> str:
        """The one service that it is about."""
        return self.target.name if self.ABOUT_ONE and self.target is not None else ""

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot to show: the latest, the held one, or a past one."""
        return self.console_app.time.shown

    @property
    def now(self) -> float:
        """The time that ages count from."""
        return self.console_app.time.now

    def on_mount(self) -> None:
        """Show what is already there."""
        self.show()

    def on_screen_resume(self) -> None:
        """Show what arrived while another screen was on top."""
        self.show()

    def on_resize(self) -> None:
        """The whole layout depends on the size."""
        self.call_after_refresh(self.show)

    @on(LineWidget.Resized)
    def _part_resized(self) -> None:
        """Show again, once, when the parts have their sizes."""
        if not self._show_wanted:
            self._show_wanted = True
            self.call_after_refresh(self._show_resized)

    def _show_resized(self) -> None:
        self._show_wanted = False
        self.show()

    def show(self) -> None:
        """Show the header, the body and the keys."""
        if not self.is_mounted or not self.query(FooterBar):
            # Its parts are not mounted yet, or are being removed.
            return
        self.show_header()
        self.show_body()
        for footer in self.query(FooterBar):
            footer.show_hints(self.hints())

    def show_header(self) -> None:
        """Show what concerns the whole console: environment, state, moment."""
        app = self.console_app
        for header in self.query(HeaderBar):
            header.show(
                app.bridge.latest, app.place, app.clock.now(), app.clock.wall(),
                read_only=app.options.read_only, note=app.time_note, replay=app.time.replay.shown,
                found=len(app.tray.offers),
            )  # fmt: skip

    def show_body(self) -> None:
        """Subclasses show the snapshot here."""

    def say(self, text: str) -> None:
        """Show a notice in the bottom line for a few seconds."""
        self._said += 1
        ticket = self._said
        for footer in self.query(FooterBar):
            footer.say(text)

        def unsay() -> None:
            if self._said == ticket:
                for footer in self.query(FooterBar):
                    footer.say("")

        self.set_timer(NOTICE_SECONDS, unsay)

    # ---- lines that are typed ----

    def ask(self, prompt: Prompt) -> None:
        """Open a prompt that takes every key from this moment on; one at a time."""
        if self._prompt is None or self._prompt.closed:
            self._prompt = prompt
            self.mount(prompt)

    def taken(self, event: events.Event) -> bool:
        """Keys go to the open prompt; a key that opens one opens it at once."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            return False
        prompt = self._prompt
        if prompt is not None and not prompt.closed:
            if isinstance(event, events.Key) and event.key == "ctrl+c":
                return False
            if prompt.take(event):
                prompt.remove()
            return True
        return isinstance(event, events.Key) and self._opens(event)

    def _opens(self, event: events.Key) -> bool:
        focused = self.focused
        if focused is not None and focused.check_consume_key(event.key, event.character):
            return False
        openers = self.openers()
        usual, own = keys.default_keys(), self.console_app.keymap
        for name, open_line in openers.items():
            if event.key in (own[name].split(",") if name in own else usual[name]):
                open_line()
                return True
        return False

    def openers(self) -> dict[str, Callable[[], None]]:
        """The methods that open a prompt, by the key's id."""
        openers = {"commands": self.action_command_line, "at": self.action_at}
        if Scope.LIST in self.SCOPES:
            openers["filter"] = self.action_filter
        return openers

    def action_filter(self) -> None:
        """Screens with something to filter or to search open a prompt here."""
        self.say("there is nothing to filter here")

    def action_command_line(self) -> None:
        """Type a command, a service or a place by name."""
        self.ask(CommandPrompt([each.name for each in self._commands()]))

    def _commands(self) -> list[Command]:
        app = self.console_app
        named = *service_commands(app), *place_commands(app), *runbook_commands(app)
        return [*commands(app, self), *named]

    @on(MomentPrompt.Given)
    def _moment_given(self, message: MomentPrompt.Given) -> None:
        """Go to the moment that was typed."""
        self.console_app.time.go_to_typed(message.text)

    @on(CommandPrompt.Given)
    def _given(self, message: CommandPrompt.Given) -> None:
        """Run the named command, or say that there is none."""
        if not message.text.strip():
            return
        listed = self._commands()
        first, _, rest = message.text.strip().partition(" ")
        taking = next((each.takes for each in listed if each.name == first.lower()), None)
        if taking is not None and rest:
            self.console_app.later(message.at, taking, rest)
            return
        names = [each.name for each in listed]
        word = message.text.strip().lower()
        found = next((each for each in listed if word in each.aliases), None)
        name = meant(word, names) if found is None else found.name
        if name is None:
            self.say(not_meant(message.text, names))
        else:
            run = next(each.run for each in listed if each.name == name)
            self.console_app.later(message.at, run)

    # ---- keys ----

    def hints(self) -> Iterable[Hint]:
        """The footer's keys, with what blocks each."""
        return [
            Hint(
                keys.with_keymap(key, self.console_app.keymap),
                self.label_of(key),
                self.blocked(key),
                _part_of(key),
            )
            for key in self.offered()
        ]

    def offered(self) -> list[keys.Key]:
        """The keys of the footer, most important first."""
        known = (key for key in keys.of(self.scopes) if key.hint and self.offers(key))
        return sorted(known, key=lambda each: each.hint)

    def label_of(self, key: keys.Key) -> str:
        """The footer's label of a key here."""
        if key.id == "degrade" and self.is_degraded_on_purpose:
            return "recover"
        return key.label

    def offers(self, key: keys.Key) -> bool:
        """Whether the footer shows ``key`` here at all."""
        if key.id == "filter":
            return type(self).action_filter is not ConsoleScreen.action_filter
        if key.id == "stop-automation":
            return bool(automation.stoppable(self.console_app))
        of_a_service = key.scope is Scope.CHANGE or key.id == "logs"
        if not of_a_service:
            return True
        target, kinds = self.target, CHANGED_BY.get(key.id)
        if target is None or kinds is None:
            return target is not None
        return any(view.kind in kinds for view in target.actions)

    def possible(self, key: keys.Key) -> bool:
        """Whether ``key`` is offered here, and nothing stands in its way."""
        return self.offers(key) and not self.blocked(key)

    def blocked(self, key: keys.Key) -> str:
        """Why ``key`` would do nothing here, in a word or two; '' if it works."""
        app = self.console_app
        if _is_of_changes(key) and not app.time.is_live:
            return "held" if app.time.replay.held else "replay"
        if key.scope is not Scope.CHANGE:
            return ""
        if self.console_app.read_only:
            return "read-only"
        return self._refused(key)

    def _refused(self, key: keys.Key) -> str:
        """Why the target's actions of this key are all refused now; '' where one is not."""
        kinds: set[ActionKind] = CHANGED_BY.get(key.id, set())
        of_kind = (
            [view for view in self.target.actions if view.kind in kinds] if self.target else []
        )
        refusals = [view.refusal for view in of_kind if view.refusal is not None]
        all_refused = bool(refusals) and len(refusals) == len(of_kind)
        return refusals[0].code.replace("-", " ") if all_refused else ""

    # ---- places and moments ----

    def action_help(self) -> None:
        """The keys of this screen."""
        offered = tuple(each.id for each in self.offered())
        if any(hasattr(each, "action_match") for each in self.actors):
            offered = (*offered, "next-match")
        self.console_app.open(HelpPage(self.TITLE_OF_HELP, self.scopes, offered))

    def action_operations(self) -> None:
        """The operations of all services, running and past."""
        self.console_app.open(OperationsPage())

    def action_logs(self) -> None:
        """The logs of the selected service."""
        if self.target is None:
            self.say("no service is selected")
        else:
            self.console_app.open(LogsPage(self.target.name))

    def action_theme(self) -> None:
        """Choose a theme."""
        self.console_app.open(ThemeDialog())

    def action_pause(self) -> None:
        """Hold the picture; from a held or a past one, return to now."""
        self.console_app.time.pause()

    def action_step(self, seconds: int) -> None:
        """Go that many seconds back, if negative, or forth."""
        self.console_app.time.step(seconds)

    def action_at(self) -> None:
        """Ask for a moment to go to."""
        self.ask(MomentPrompt())

    def action_back(self) -> None:
        """Go back to the previous screen."""
        self.dismiss()

    # ---- changes ----

    def refuses(self) -> bool:
        """Return why nothing can be changed from the shown moment; '' if changes are allowed."""
        refusal = self.console_app.time.refusal
        if refusal:
            self.say(refusal)
        return bool(refusal)

    @property
    def target(self) -> ServiceView | None:
        """The service that a change would concern."""
        return None

    @property
    def targets(self) -> tuple[ServiceView, ...]:
        """The chosen services, or the one under the cursor."""
        return (self.target,) if self.target else ()

    @property
    def is_degraded_on_purpose(self) -> bool:
        """Whether a degradation of the target is under way."""
        target, snapshot = self.target, self.snapshot
        lasting = snapshot.degradations if snapshot else ()
        return target is not None and any(each.service == target.name for each in lasting)

    def _one_way(self, views: list[ActionView]) -> list[ActionView]:
        """Recover if a degradation is under way, else degrade."""
        away = ActionKind.RECOVER if self.is_degraded_on_purpose else ActionKind.DEGRADE
        return [view for view in views if view.kind is away]

    def action_change(self, kinds: str) -> None:
        """Open the plan of the target's only action of these kinds, or the menu if there are
        several."""
        if self.refuses():
            return
        if not self.targets:
            self.say("no service is selected")
            return
        wanted = {ActionKind(kind) for kind in kinds.split(",")}
        # The plan then says which of several cannot.
        able = (each for each in self.targets if any(view.kind in wanted for view in each.actions))
        first = next(able, self.targets[0])
        offered = [view for view in first.actions if view.kind in wanted]
        if ActionKind.DEGRADE in wanted:
            offered = self._one_way(offered) or offered
        if not offered and any(each.actions_asked for each in self.targets):
            self.say(_ASKED)
            return
        if not offered:
            names = ", ".join(each.name for each in self.targets)
            has, its = ("has", "its") if len(self.targets) == 1 else ("have", "their")
            self.say(f"{names} {has} no {kinds.replace(',', ' or ')} in {its} configuration")
            return
        possible = [view for view in offered if view.refusal is None] or offered
        if len(possible) == 1:
            self.console_app.changes.request(self.targets, possible[0])
        else:
            self.open_actions(tuple(offered))

    def restart_copy(self, service: ServiceView, copy: str) -> None:
        """Open the plan of a restart of one copy alone; of its service, where it is the only one.

        The plan says so where what restarts the service cannot restart one copy.
        """
        if self.refuses():
            return
        view = next((each for each in service.actions if each.kind is ActionKind.RESTART), None)
        if view is None and service.actions_asked:
            self.say(_ASKED)
            return
        if view is None:
            self.say(f"{service.name} has no restart in its configuration")
            return
        alone = max(len(service.instances), len(service.replicas)) < 2
        self.console_app.changes.request((service,), view, "" if alone else copy)

    def action_actions(self) -> None:
        """Open the menu of all actions of the target."""
        if self.refuses():
            return
        if self.target is None:
            self.say("no service is selected")
            return
        if self.target.actions_asked:
            self.say(_ASKED)
            return
        self.open_actions(self.target.actions)

    def action_runbooks(self) -> None:
        """The runbooks of the selected service, else all."""
        latest = self.console_app.bridge.latest
        known = {name for each in latest.runbooks for name in each.services} if latest else set()
        target = self.target.name if self.target else ""
        self.console_app.open(RunbooksPage(target if target in known else ""))

    def action_stop_automation(self) -> None:
        """Stop what automation is about to do, whatever moment is shown."""
        automation.stop(self.console_app)

    def action_incidents(self) -> None:
        """The incident that is open, or all of them."""
        team.open_incidents(self.console_app)

    def action_silences(self) -> None:
        """What is silenced or acknowledged."""
        self.console_app.open(SilencesPage())

    def open_actions(self, views: tuple[ActionView, ...]) -> None:
        """Open the menu."""
        if self.target is not None:
            self.console_app.open(ActionsDialog(self.targets, views))
