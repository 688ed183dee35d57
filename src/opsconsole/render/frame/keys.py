"""Every key of the console, once: bindings, help, footer and palette are made from it, and keymaps
are checked against it.

Invariant: each key has an id, so that it can be remapped. One letter has one nature on all screens:
small letters look, capitals change (the group ``change``). No key starts a change directly: they
open a plan, a form or a line to type. Ctrl-d and ctrl-u scroll and never act.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from string import punctuation
from typing import Final

from opsconsole.dataclass import dataclass


class Scope(StrEnum):
    """Where a key works."""

    EVERYWHERE = "everywhere"
    LIST = "list"
    OVERVIEW = "overview"
    SERVICE = "service"
    CHANGE = "change"
    OPEN = "open"
    OPERATIONS = "operations"
    LOGS = "logs"
    ALERTS = "alerts"
    SILENCES = "silences"
    BACKUPS = "backups"
    HEALTH = "health"
    LOG_WINDOWS = "log windows"
    TRIAGE = "triage"
    RUNBOOK = "runbook"
    TIMELINE = "timeline"
    TRAY = "tray"
    HELP = "help"
    INCIDENT = "incident"
    DECLARE = "declare"
    HANDOVER = "hand-over"


class Group(StrEnum):
    """How help sorts keys."""

    MOVE = "move"
    LOOK = "look"
    CHANGE = "change"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Key:
    """One binding. ``keys`` are Textual's names, comma-separated; ``shown`` is what people read.

    ``hint`` is its order in the footer, 0 for not shown; ``palette``: it is a command too. ``was``:
    the keys that it had in earlier versions; where they mean nothing, they say which it is now.
    """

    id: str
    keys: str
    shown: str
    action: str
    label: str
    help: str
    scope: Scope
    group: Group
    hint: int = 0
    priority: bool = False
    palette: bool = False
    was: str = ""


_E, _L, _O, _S, _C = Scope.EVERYWHERE, Scope.LIST, Scope.OVERVIEW, Scope.SERVICE, Scope.CHANGE
_R, _X, _A, _Q = Scope.OPEN, Scope.OPERATIONS, Scope.ALERTS, Scope.SILENCES
_B = Scope.BACKUPS

KEYS: Final[tuple[Key, ...]] = (
    Key("down", "j,down", "j ↓", "move(1)", "down", "one row down", _L, Group.MOVE),
    Key("up", "k,up", "k ↑", "move(-1)", "up", "one row up", _L, Group.MOVE),
    Key("top", "g,home,less_than_sign", "g <", "edge(0)", "top", "to the first row", _L,
        Group.MOVE),
    Key("bottom", "end,greater_than_sign", "end >", "edge(1)", "bottom", "to the last row", _L,
        Group.MOVE, was="G"),
    Key("half-down", "ctrl+d", "ctrl-d", "page(0.5)", "half page down",
        "half a screen down; never acts", _L, Group.MOVE),
    Key("half-up", "ctrl+u", "ctrl-u", "page(-0.5)", "half page up",
        "half a screen up; never acts", _L, Group.MOVE),
    Key("page-down", "pagedown,ctrl+f", "PgDn", "page(1)", "page down", "a screen down", _L,
        Group.MOVE),
    Key("page-up", "pageup,ctrl+b", "PgUp", "page(-1)", "page up", "a screen up", _L, Group.MOVE),
    Key("next-match", "n", "n", "match(1)", "next match",
        "to the next match; in a table, the next row that is not ok; on the tab why, the next fact "
        "or remedy", _L, Group.MOVE),
    Key("previous-match", "comma", ",", "match(-1)", "previous match",
        "to the previous match; in a table, the previous row that is not ok; on the tab why, the "
        "previous fact or remedy", _L, Group.MOVE, was="P,N"),
    Key("what-changed", "w", "w", "what_changed", "what changed?",
        "what changed before the service or the alert first went wrong, likeliest causes first",
        Scope.TRIAGE, Group.LOOK, hint=17, palette=True),
    Key("timeline", "t", "t", "timeline", "timeline", "everything that happened, to search",
        Scope.TRIAGE, Group.LOOK, hint=82, palette=True),
    Key("note", "N", "N", "note", "note",
        "write a note about this service, for the timeline of every console",
        Scope.TRIAGE, Group.CHANGE, hint=83, palette=True),
    Key("incidents", "i", "i", "incidents", "incidents",
        "the incident that is open, or all of them", _E, Group.LOOK, palette=True),
    Key("incident-open", "I", "I", "incident_open", "open an incident",
        "type what is wrong, which opens an incident for every console", Scope.DECLARE,
        Group.CHANGE, palette=True),
    Key("incident-join", "J", "J", "say('join')", "join", "join the incident, with a role or none",
        Scope.INCIDENT, Group.CHANGE, hint=12, palette=True),
    Key("incident-status", "S", "S", "say('status')", "status", "say how it stands",
        Scope.INCIDENT, Group.CHANGE, hint=14, palette=True),
    Key("incident-note", "N", "N", "say('note')", "note", "write a note into the incident",
        Scope.INCIDENT, Group.CHANGE, hint=16, palette=True),
    Key("incident-command", "C", "C", "say('command')", "take command",
        "take over the command of the incident", Scope.INCIDENT, Group.CHANGE, hint=18,
        palette=True),
    Key("incident-role", "O", "O", "say('role')", "role", "say what you do in the incident",
        Scope.INCIDENT, Group.CHANGE, hint=60, palette=True),
    Key("incident-services", "A", "A", "say('services')", "add services",
        "name services that the incident is about as well", Scope.INCIDENT, Group.CHANGE, hint=62,
        palette=True),
    Key("incident-severity", "V", "V", "say('severity')", "severity",
        "say how bad it is: critical, major or minor", Scope.INCIDENT, Group.CHANGE, hint=64,
        palette=True),
    Key("incident-end", "E", "E", "say('end')", "close", "say how it ended, which closes it",
        Scope.INCIDENT, Group.CHANGE, hint=20, palette=True),
    Key("take-over", "H", "H", "take_over", "take over",
        "record that you take over what is open", Scope.HANDOVER, Group.CHANGE, hint=10,
        palette=True),
    Key("say-when", "e", "e", "say_when", "say when",
        "hear when the service is ok again, or no longer ok, or the alert has resolved; again: no "
        "longer", Scope.TRIAGE, Group.LOOK, palette=True),
    Key("say-when-done", "e", "e", "say_when", "say when", "hear of its verdict; again: no longer",
        _X, Group.LOOK, hint=30, palette=True),
    Key("kinds", "v", "v", "kinds", "kinds",
        "the next sort: changes, health and alerts, containers, operations, notes, the console",
        Scope.TIMELINE, Group.LOOK, hint=52, palette=True),
    Key("only-service", "s", "s", "only_service", "one service",
        "only the service of the row, or all again", Scope.TIMELINE, Group.LOOK, hint=54,
        palette=True),
    Key("panel-next", "tab", "tab", "panel_step(1)", "next panel", "to the next panel", _O,
        Group.MOVE),
    Key("panel-previous", "shift+tab", "shift-tab", "panel_step(-1)", "previous panel",
        "to the previous panel", _O, Group.MOVE),
    *(
        Key(f"panel-{n}", str(n), str(n), f"panel({n})", f"panel {n}", f"to panel or tab {n}", _L,
            Group.MOVE)
        for n in range(1, 10)
    ),
    Key("panel-10", "0", "0", "panel(10)", "tab 10", "to the tenth tab", _S, Group.MOVE),
    Key("tab-next", "tab,right", "tab →", "tab_step(1)", "next tab", "to the next tab", _S,
        Group.MOVE),
    Key("tab-previous", "shift+tab,left", "shift-tab ←", "tab_step(-1)", "tab before",
        "to the previous tab", _S, Group.MOVE),
    Key("open", "enter", "enter", "open", "open", "open what the cursor is on; never acts", _R,
        Group.LOOK, hint=10, palette=True),
    Key("describe", "d", "d", "describe", "describe",
        "everything known about the service, the alert or the place", _R,
        Group.LOOK, palette=True),
    Key("operations", "u", "u", "operations", "operations",
        "what is under way, operations by whom, and their verdicts", _E, Group.LOOK,
        palette=True, was="O"),
    Key("silences", "s", "s", "silences", "silences",
        "what is silenced or acknowledged, by whom and until when", _E, Group.LOOK, palette=True,
        was="S"),
    Key("stop-automation", "K", "K", "stop_automation", "stop it",
        "stop what automation is about to do, and what it asks for, before it begins", _E,
        Group.CHANGE, hint=4, palette=True),
    Key("runbooks", "b", "b", "runbooks", "runbooks",
        "the runbook of the alert, else the runbooks of the service, else all", _E, Group.LOOK,
        palette=True),
    Key("run-step", "R", "R", "run_step", "run step",
        "run the step under the cursor; what changes something opens its plan", Scope.RUNBOOK,
        Group.CHANGE, hint=5, palette=True, was="r"),
    Key("skip-step", "S", "S", "skip_step", "skip step", "skip an optional step",
        Scope.RUNBOOK, Group.CHANGE, hint=7, palette=True, was="s"),
    Key("end-run", "E", "E", "end_run", "end run", "end the run at this step",
        Scope.RUNBOOK, Group.CHANGE, hint=60, palette=True),
    Key("run-again", "A", "A", "run_again", "again", "after the end of a run, start a new one",
        Scope.RUNBOOK, Group.CHANGE, hint=62, palette=True, was="a"),
    Key("unfold", "right", "→", "unfold(1)", "unfold",
        "show what is folded here: a group of services, services that are alike, alerts", _O,
        Group.LOOK),
    Key("fold", "left", "←", "unfold(0)", "fold", "fold it again; what is not well stays", _O,
        Group.LOOK),
    Key("alert-start", "r", "r", "alert_start", "its start",
        "show the moment at which the alert began", _A, Group.LOOK, hint=16, palette=True,
        was="J"),
    Key("acknowledge", "A", "A", "acknowledge", "acknowledge",
        "ask for a reason, then open the plan that acknowledges the alert", _A, Group.CHANGE,
        hint=12, palette=True, was="a"),
    Key("silence", "S", "S", "silence", "silence",
        "open the form of a silence that begins as the alert's labels", _A, Group.CHANGE,
        hint=14, palette=True, was="s"),
    Key("silence-edit", "C", "C", "edit", "edit",
        "other matchers, another end or comment; takes the place of the silence", _Q,
        Group.CHANGE, hint=12, palette=True, was="e"),
    Key("silence-end", "E", "E", "end", "end",
        "ask for a reason, then open the plan that ends the silence", _Q, Group.CHANGE, hint=14,
        palette=True),
    Key("silence-again", "T", "T", "again", "again",
        "renew a silence that has ended", _Q, Group.CHANGE, hint=16, palette=True, was="t"),
    Key("again", "T", "T", "again", "try again",
        "ask for the operation once more, with an override and a reason", _X, Group.CHANGE,
        hint=24, palette=True, was="t"),
    Key("stop-rollback", "S", "S", "stop_rollback", "stop rollback",
        "stop the rollback that a failed operation armed", _X, Group.CHANGE,
        hint=22, palette=True, was="s"),
    Key("give-up", "X", "X", "give_up", "give up verifying",
        "end verifying the operation: its verdict is inconclusive, and what follows may begin",
        _X, Group.CHANGE, hint=20, palette=True, was="x"),
    Key("test", "V", "V", "test", "test",
        "open the plan of a test of the component under the cursor, or the menu of tests",
        Scope.HEALTH, Group.CHANGE, hint=12, palette=True, was="v"),
    Key("verify", "v", "v", "verify", "verify backup",
        "compare every byte of the backup under the cursor; reads only", _B, Group.LOOK,
        hint=12, palette=True),
    Key("restore", "L", "L", "restore", "restore backup",
        "open the form of a restore of the backup under the cursor", _B, Group.CHANGE,
        hint=14, palette=True, was="r"),
    Key("filter", "slash", "/", "filter", "filter",
        "show what matches; ! in front shows what does not; esc clears", _L, Group.LOOK, hint=50),
    Key("failing", "f", "f", "failing", "failing", "show only what is not ok", _O, Group.LOOK,
        hint=55),
    Key("columns", "h", "h", "choose_columns", "columns",
        "type which figures the services show, and in which order", _O, Group.LOOK),
    Key("tray", "plus", "+", "tray", "found", "what was found and is not watched", _O, Group.LOOK,
        palette=True),
    Key("take", "space", "space", "take", "take over",
        "write what is under the cursor into a file of its own beside the configuration",
        Scope.TRAY, Group.LOOK, hint=10, palette=True),
    Key("never", "exclamation_mark", "!", "never", "never again",
        "never offer what is under the cursor again", Scope.TRAY, Group.LOOK, hint=20,
        palette=True),
    Key("written", "enter", "enter", "open", "read it", "read what would be written", Scope.TRAY,
        Group.LOOK, hint=5),
    Key("view-next", "v", "v", "view_next", "next view",
        "the next saved view, then all services again; :view save NAME keeps what is shown", _O,
        Group.LOOK),
    *(
        Key(f"view-{n}", f"alt+{n}", f"alt-{n}", f"view({n})", f"view {n}", f"saved view {n}", _O,
            Group.LOOK)
        for n in range(1, 10)
    ),
    Key("sort", "o", "o", "sort(1)", "sort", "sort by the next column", _O, Group.LOOK, hint=80),
    Key("sort-right", "shift+right", "shift-→", "sort(1)", "sort right", "sort by the next column",
        _O, Group.LOOK),
    Key("sort-left", "shift+left", "shift-←", "sort(-1)", "sort left",
        "sort by the previous column", _O, Group.LOOK),
    Key("select", "space", "space", "select", "choose",
        "choose several services: a key that changes something is then for all of them", _O,
        Group.LOOK),
    Key("zoom", "z", "z", "zoom", "zoom", "the panel on the whole screen, and back", _O,
        Group.LOOK, hint=85),
    Key("logs", "l", "l", "logs", "logs", "the logs of the service", _E, Group.LOOK, hint=15,
        palette=True),
    Key("log-tail", "0", "0", "panel(0)", "end of the log",
        "0 the end, 1 the beginning, 2 to 6 the last 1, 5, 15, 30 and 60 minutes",
        Scope.LOG_WINDOWS, Group.LOOK),
    Key("log-next-error", "e", "e", "error(1)", "next error", "to the next error", Scope.LOGS,
        Group.MOVE, hint=12, palette=True),
    Key("log-previous-error", "r", "r", "error(-1)", "previous error", "to the previous error",
        Scope.LOGS, Group.MOVE, palette=True, was="E"),
    Key("log-wrap", "w", "w", "wrap", "wrap", "long lines on several rows, or cut", Scope.LOGS,
        Group.LOOK, hint=52, palette=True),
    Key("log-fold", "f", "f", "fold_repeats", "fold",
        "the same warning or error several times in a row as one line, or each for itself",
        Scope.LOGS, Group.LOOK, hint=57, palette=True),
    Key("log-level", "v", "v", "level", "level", "the next least level: all, info, warning, error",
        Scope.LOGS, Group.LOOK, hint=54, palette=True),
    Key("log-context", "z", "z", "context", "context", "0, 3 or 10 lines around each match",
        Scope.LOGS, Group.LOOK, palette=True, was="C"),
    Key("log-mark", "a", "a", "mark", "all lines",
        "all lines with the matches marked, or the matches alone", Scope.LOGS, Group.LOOK, hint=56,
        palette=True),
    Key("log-back", "o", "o", "back_in_time", "older",
        "look back to the beginning of the logs, rotated files too, and to now again", Scope.LOGS,
        Group.LOOK, hint=55, palette=True),
    Key("log-save", "s", "s", "save", "save", "save these lines to a new file in this folder",
        Scope.LOGS, Group.LOOK, hint=58, palette=True),
    Key("raw", "y", "y", "raw", "raw", "the raw health body", _L, Group.LOOK),
    Key("copy", "c", "c", "copy", "copy", "copy what the cursor is on to the clipboard (OSC 52)",
        _L, Group.LOOK),
    Key("pause", "p", "p", "pause", "pause",
        "hold the picture, reading continues; from a held or past one, return to now", _E,
        Group.LOOK, palette=True),
    Key("earlier", "left_square_bracket", "[", "step(-60)", "earlier",
        "the whole console one minute back", _E, Group.LOOK),
    Key("later", "right_square_bracket", "]", "step(60)", "later", "one minute towards now", _E,
        Group.LOOK),
    Key("much-earlier", "left_curly_bracket", "{", "step(-600)", "much earlier",
        "ten minutes back", _E, Group.LOOK),
    Key("much-later", "right_curly_bracket", "}", "step(600)", "much later",
        "ten minutes towards now", _E, Group.LOOK),
    Key("at", "at", "@", "at", "at", "show the moment that is typed, such as 09:14 or -2h", _E,
        Group.LOOK, palette=True),
    Key("refresh", "ctrl+r", "ctrl-r", "look_again", "refresh", "look at everything again now", _E,
        Group.LOOK, palette=True),
    Key("actions", "x", "x", "actions", "actions", "what can be done, and what is blocked and why",
        _C, Group.LOOK, hint=34),
    Key("restart", "R", "R", "change('restart')", "restart",
        "open the plan of a restart: of the service, or of the copy under the cursor alone", _C,
        Group.CHANGE, hint=30),
    Key("degrade", "D", "D", "change('degrade,recover')", "degrade",
        "open the plan to degrade or recover", _C, Group.CHANGE, hint=60),
    Key("backup", "B", "B", "change('backup')", "backup", "open the plan of a backup", _C,
        Group.CHANGE, hint=70),
    Key("rollback", "U", "U", "change('rollback')", "roll back",
        "open the plan to go back to the previous version", _C, Group.CHANGE, hint=26),
    Key("back", "escape,q", "esc q", "back", "back", "one level back", _E, Group.CONSOLE),
    Key("commands", "colon", ":", "command_line", "command",
        "a command, service or place by name, tab completes; :q leaves", _E, Group.CONSOLE,
        hint=90),
    Key("palette", "ctrl+p", "ctrl-p", "command_palette", "palette", "every command, to search",
        _E, Group.CONSOLE),
    Key("theme", "ctrl+t", "ctrl-t", "theme", "theme", "choose a theme, with a preview", _E,
        Group.CONSOLE, palette=True, was="T"),
    Key("zone", "ctrl+o", "ctrl-o", "zone", "time zone",
        "times in UTC, in this machine's zone, in the one that is configured", _E, Group.CONSOLE,
        palette=True, was="Z"),
    Key("mouse", "m", "m", "mouse", "mouse", "release the mouse, so that text can be selected", _E,
        Group.CONSOLE, palette=True),
    Key("redraw", "ctrl+l", "ctrl-l", "redraw", "redraw", "paint the whole screen again", _E,
        Group.CONSOLE, palette=True),
    Key("quit", "ctrl+c", "ctrl-c ctrl-c", "interrupt", "quit", "twice: leave the console", _E,
        Group.CONSOLE, priority=True),
    Key("help-all", "tab", "tab", "all", "all keys", "all keys, or those of most use", Scope.HELP,
        Group.LOOK, hint=10),
    Key("help", "question_mark,f1", "?", "help", "help", "the keys of this screen", _E,
        Group.CONSOLE, hint=99),
)  # fmt: skip

VITAL: Final = frozenset({"quit", "help", "back"})
"""Ids that must keep a key, so that the user can always leave."""


def of(scopes: Iterable[Scope]) -> list[Key]:
    """The keys that work in ``scopes``, in the registry's order."""
    wanted = set(scopes)
    return [key for key in KEYS if key.scope in wanted]


def reachable(scopes: Sequence[Scope]) -> list[Key]:
    """The keys that work in ``scopes``; earlier scopes take precedence.

    A key of a later scope that shares a physical key with an earlier one is left out.
    """
    taken: set[str] = set()
    left: set[str] = set()
    for scope in scopes:
        mine = [key for key in of((scope,)) if not taken & set(key.keys.split(","))]
        left |= {key.id for key in mine}
        taken |= {name for key in mine for name in key.keys.split(",")}
    return [key for key in of(scopes) if key.id in left]


def with_keymap(key: Key, keymap: dict[str, str]) -> str:
    """What people read for ``key`` when it may have been remapped."""
    own = keymap.get(key.id)
    return key.shown if own is None else " ".join(map(printed, own.split(",")))


def first_shown(keymap: Mapping[str, str]) -> dict[str, str]:
    """What a text names for each key of ``keymap``: the first one, else the command."""
    labels = {key.id: key.label for key in KEYS}
    return {
        id_: printed(own.split(",")[0]) if own.strip(" ,") else f":{labels.get(id_, id_)}"
        for id_, own in keymap.items()
    }


def printed(name: str) -> str:
    """What people read for the physical key that Textual calls ``name``: ``ctrl+plus`` is
    ``ctrl-+``."""
    return "-".join(_PRINTED.get(each, each) for each in name.strip().split("+"))


def _named(char: str) -> str:
    name = unicodedata.name(char).lower().replace("-", "_").replace(" ", "_")
    return _SHORTER.get(name, name)


_SHORTER: Final = {
    "solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at",
    "hyphen_minus": "minus", "plus_sign": "plus", "low_line": "underscore",
}  # fmt: skip
"""Textual's names of characters that are not those of Unicode."""
_PRINTED: Final = {
    **{_named(char): char for char in punctuation},
    "left": "←", "right": "→", "up": "↑", "down": "↓", "pagedown": "PgDn", "pageup": "PgUp",
    "escape": "esc",
}  # fmt: skip


def default_keys() -> dict[str, tuple[str, ...]]:
    """Ids with their usual keys, for checking a keymap."""
    return {key.id: tuple(key.keys.split(",")) for key in KEYS}


def moved(pressed: str, scopes: Sequence[Scope]) -> Key | None:
    """The key of ``scopes`` that had the physical key ``pressed`` in earlier versions."""
    return next((key for key in reachable(scopes) if pressed in key.was.split(",")), None)


def of_most_use(scopes: Sequence[Scope], offered: Sequence[str]) -> list[Key]:
    """The keys of ``scopes`` to know first: those ``offered``, by their ids, and the way back."""
    known = {each.id: each for each in reachable(scopes)}
    return [known[each] for each in (*offered, "back") if each in known]
