"""Acknowledging and silencing as declared changes: what a configured Alertmanager brings along.

Invariant: every Alertmanager that is configured can be written to, by its name, in exactly three
ways, and nothing else can.
"""

from typing import Final

from opsconsole.config.actions import SilenceAction
from opsconsole.config.settings import Alertmanager, Settings
from opsconsole.model.operation import ActionKind

_SUMMARIES: Final = {
    ActionKind.ACKNOWLEDGE: "acknowledge one alert until it resolves, for 4 h at most",
    ActionKind.SILENCE: "silence alerts by their labels until an end",
    ActionKind.EXPIRE_SILENCE: "end a silence or an acknowledgement",
}


def alertmanager_of(settings: Settings, name: str) -> Alertmanager | None:
    """The configured Alertmanager that is called ``name``."""
    return next((each for each in settings.alertmanager if each.name == name), None)


def actions_of(settings: Settings, name: str) -> tuple[tuple[ActionKind, SilenceAction], ...]:
    """What can be done to the Alertmanager ``name``; nothing where none is called so."""
    if alertmanager_of(settings, name) is None:
        return ()
    return tuple(
        (
            kind,
            SilenceAction(alertmanager=name, summary=summary, min_healthy=0.5, deadline=30.0),
        )
        for kind, summary in _SUMMARIES.items()
    )


def declaration(settings: Settings, name: str) -> object:
    """What of the configuration decides where a silence is written to."""
    found = alertmanager_of(settings, name)
    return None if found is None else found.model_dump(mode="json")
