"""Every key as a page of Markdown, made from the registry of keys.

Invariant: each key is on the page once, under the screen that it works on.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.render.frame.keys import KEYS, Group, Key, Scope

HEADINGS: Final = {
    Scope.EVERYWHERE: "Everywhere",
    Scope.LIST: "In every list and page",
    Scope.OVERVIEW: "On the overview",
    Scope.OPEN: "On a row",
    Scope.TRIAGE: "On a service or an alert: what happened",
    Scope.DECLARE: "On a service or an alert: with others",
    Scope.CHANGE: "On a service: changes",
    Scope.SERVICE: "On the service screen",
    Scope.HEALTH: "On the tab copies",
    Scope.BACKUPS: "On the tab backups",
    Scope.ALERTS: "On an alert",
    Scope.SILENCES: "On a silence",
    Scope.OPERATIONS: "On an operation",
    Scope.RUNBOOK: "On a runbook",
    Scope.INCIDENT: "On an incident",
    Scope.HANDOVER: "On the hand-over",
    Scope.TIMELINE: "On the timeline",
    Scope.LOGS: "In the logs",
    Scope.LOG_WINDOWS: "In the logs, on their own screen",
    Scope.HELP: "In the help",
}
"""The headings, in order; a screen not named here follows under its own name."""

_INTRODUCTION: Final = """# Keys

What `?` shows on each screen, in one page. Every key has an id; `keys:` in the configuration gives
it another key, such as `keys: {restart: ctrl+k, help: "f1,question_mark"}`, in the names that
Textual gives to keys. A keymap is refused whole, with file and line, when it names what does not
exist, gives one key two meanings on one screen, or leaves no way out.

Small letters look; capitals change, on every screen alike. Keys that change something open a
**plan**; only a typed word or an explicit choice starts it, and Enter never does. In read-only mode
and while the past is shown they are greyed and refused. `N` writes a note, which changes no
service; what is said in an incident or taken over changes none either. A key of an earlier version
that means nothing now says which one it is.
"""


def key_reference() -> str:
    """The page."""
    scopes = [*HEADINGS, *(scope for scope in Scope if scope not in HEADINGS)]
    sections = [_section(scope, [key for key in KEYS if key.scope is scope]) for scope in scopes]
    return "\n".join((_INTRODUCTION, *(section for section in sections if section)))


def _section(scope: Scope, keys: Iterable[Key]) -> str:
    rows = [_row(key) for key in keys]
    if not rows:
        return ""
    heading = HEADINGS.get(scope, scope.value.capitalize())
    return "\n".join((f"## {heading}", "", "| key | what it does | id |", "| --- | --- | --- |",
                      *rows, ""))  # fmt: skip


def _row(key: Key) -> str:
    shown = " ".join(f"`{each}`" for each in key.shown.replace("|", "\\|").split())
    change = " (a change)" if key.group is Group.CHANGE else ""
    return f"| {shown} | {key.help.replace('|', chr(92) + '|')}{change} | `{key.id}` |"
