"""Which configuration a command works on.

Invariant: a flag can only tighten: ``--read-only`` and ``--wall`` are never undone by the file.
"""

import argparse
import os
from pathlib import Path
from typing import Final

from opsconsole.config.files.finding import find
from opsconsole.config.loader import default_settings, load
from opsconsole.config.settings import Settings, effective_read_only
from opsconsole.dataclass import dataclass
from opsconsole.errors import OpsconsoleError
from opsconsole.text import sanitize
from opsconsole.zones import begin_in

_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, the file they came from (None: this host's defaults), and the folder of it."""

    settings: Settings
    path: Path | None
    base: Path
    read_only: bool


def from_arguments(arguments: argparse.Namespace) -> Configuration:
    """Find and load what ``arguments`` ask for. Raises ConfigError with every problem."""
    path = find(getattr(arguments, "config", None), os.environ)
    settings = load(path) if path else default_settings()
    begin_in(settings.display.time)
    asked = getattr(arguments, "read_only", False) or getattr(arguments, "wall", False)
    base = (path if path and path.is_dir() else path.parent if path else Path.cwd()).absolute()
    read_only = effective_read_only(settings, asked)
    return Configuration(settings, path.absolute() if path else None, base, read_only)


def require_service(settings: Settings, name: str) -> None:
    """Nothing if a service is called ``name``, also by looking where services are found.

    Raises OpsconsoleError with those that there are.
    """
    if name in settings.services:
        return
    # Nothing else of what finds a configuration needs what looks, or what makes words.
    from opsconsole.discovery.look import look

    fleet = look(settings, about=(name,))
    if name in fleet.settings.services:
        return
    from opsconsole.render.status_text import NOTHING_WATCHED

    known = ", ".join(fleet.settings.services)
    unread = "".join(f"; {fault}" for fault in fleet.faults)
    raise OpsconsoleError(
        f"no service is called {sanitize(name, limit=_SHOWN)}{unread}",
        remedy=f"there are: {known}" if known else NOTHING_WATCHED,
    )
