"""``opsconsole``: the screen itself.

Invariant: the screen paints before the configuration is validated and the engine and its clients
are imported, if a glance at the configuration shows how it looks; without a terminal on both sides
it says so and exits instead of drawing into a file.
"""

import argparse
import gc
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from opsconsole.cli.parsing import EX_CONFIG, EX_USAGE
from opsconsole.errors import ConfigError, OpsconsoleError
from opsconsole.text import sanitize

if TYPE_CHECKING:
    from pathlib import Path

    from opsconsole.cli.configuration import Configuration
    from opsconsole.config.settings import Settings
    from opsconsole.model.awaited import Answer
    from opsconsole.model.choices import SavedView
    from opsconsole.ui.choices_file import ChoicesFile
    from opsconsole.ui.options import ExportRequest, Options
    from opsconsole.ui.terminal.terminal_guardian import Guard
    from opsconsole.ui.tray import Finder

GIVE_WAY = 0.0005
"""Seconds for which a thread computes while another wants to: by default it is ten times as long,
for which the engine and the recorder of a large fleet would keep a key waiting again and again."""


def run(arguments: argparse.Namespace) -> int:
    """Open the console on the configuration asked for."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("opsconsole: no terminal here; use 'opsconsole status'", file=sys.stderr)
        return EX_USAGE
    from opsconsole.ui.terminal.terminal_guardian import guarded

    return guarded(lambda guard: open_screen(arguments, guard))


def open_screen(arguments: argparse.Namespace, guard: "Guard | None" = None) -> int:
    """Open the console and return its exit code. Raises ConfigError with every problem."""
    # Imports make no garbage; the console collects again once it is on the screen.
    gc.disable()
    sys.setswitchinterval(GIVE_WAY)
    from opsconsole.ui import run as run_screen

    refused: list[ConfigError] = []
    # What was loaded whole to know how it looks is what the first engine works by.
    ready: list[Configuration] = []
    used: list[Settings] = []

    def make_engine():  # type: ignore[no-untyped-def]  # typed by the screen's own protocol
        from opsconsole.cli.configuration import from_arguments
        from opsconsole.cli.engine import build_engine
        from opsconsole.cli.keymap import keymap_problems
        from opsconsole.model.people import PresentKind

        try:
            configuration = ready.pop() if ready else from_arguments(arguments)
            unusable = keymap_problems(configuration.settings.keys, configuration.path)
            if unusable:
                raise ConfigError(unusable)
            used[:] = [configuration.settings]
            wall = options.wall is not None
            kind = PresentKind.WALL if wall else PresentKind.CONSOLE
            return build_engine(configuration, kind=kind)
        except ConfigError as error:
            refused.append(error)
            raise

    def export(request: "ExportRequest") -> "Path":
        from pathlib import Path

        from opsconsole.cli.configuration import from_arguments
        from opsconsole.cli.reading.incident import export_to

        return export_to(Path.cwd(), from_arguments(arguments), request)

    def send_answer(answer: "Answer") -> str:
        from opsconsole.cli.configuration import from_arguments
        from opsconsole.cli.say_when import send_answer

        return send_answer(from_arguments(arguments), answer)

    options = replace(
        _options(arguments, ready),
        export=export,
        send_answer=send_answer,
        choices=_choices(arguments),
        finder=_finder(arguments, used),
    )
    code = run_screen(make_engine, options=options, guard=guard)
    if refused and code == EX_CONFIG:
        raise refused[-1]
    return code


def _finder(arguments: argparse.Namespace, used: "list[Settings]") -> "Finder":
    """What the tray looks with; nothing heavy is imported before it looks, first by the settings
    that are ``used`` then."""
    from opsconsole.config.files.finding import find
    from opsconsole.ui.tray import LateFinder

    path = find(getattr(arguments, "config", None), os.environ)

    def make() -> "Finder":
        from opsconsole.cli.tray import TrayOfFile

        return TrayOfFile(path, used.pop() if used and path is not None else None)

    return LateFinder(make, is_first=path is None)


def _choices(arguments: argparse.Namespace) -> "ChoicesFile":
    from opsconsole.config.files.finding import find
    from opsconsole.ui.choices_file import ChoicesFile

    return ChoicesFile(find(getattr(arguments, "config", None), os.environ))


def _options(arguments: argparse.Namespace, loaded: "list[Configuration]") -> "Options":
    """How it looks; a configuration that had to be loaded whole for it is put into ``loaded``.

    Raises ConfigError.
    """
    options = _glanced(arguments)
    if options is not None:
        return options
    from opsconsole.cli.configuration import from_arguments

    loaded.append(from_arguments(arguments))
    return _as_loaded(arguments, loaded[-1])


def _glanced(arguments: argparse.Namespace) -> "Options | None":
    """The options by a glance; None if that does not show them."""
    from opsconsole.config.files.finding import find
    from opsconsole.config.files.glance import Glance, glance
    from opsconsole.ui.options import Options

    path = find(getattr(arguments, "config", None), os.environ)
    seen = glance(path) if path is not None else Glance()
    if seen is None or seen.wall or _asked(arguments, "wall") or _asked(arguments, "view"):
        # A wall is opened once in weeks: what it shows in turn is read, not glanced at.
        return None
    return Options(
        theme=getattr(arguments, "theme", None) or seen.theme,
        low_bandwidth=_asked(arguments, "low_bandwidth") or seen.low_bandwidth,
        ascii=_asked(arguments, "ascii") or seen.ascii,
        mouse=seen.mouse,
        read_only=_asked(arguments, "read_only") or seen.read_only,
        keys=seen.keys,
        environment=seen.environment,
        danger=seen.danger,
    )


def _as_loaded(arguments: argparse.Namespace, configuration: "Configuration") -> "Options":
    """The options by the whole configuration."""
    from opsconsole.ui.options import Options, WallOptions

    settings = configuration.settings
    display = settings.display
    is_wall = _asked(arguments, "wall") or settings.wall.enabled
    saved = _saved_view(arguments, settings)
    if saved is not None and not is_wall:
        raise OpsconsoleError(
            "--view is for a wall",
            remedy=f"add --wall, or type :view {saved.name} on the screen",
        )
    return Options(
        theme=getattr(arguments, "theme", None) or display.theme,
        low_bandwidth=_asked(arguments, "low_bandwidth") or display.low_bandwidth,
        ascii=_asked(arguments, "ascii") or display.ascii,
        mouse=display.mouse and not is_wall,
        read_only=configuration.read_only,
        keys=settings.keys,
        environment=settings.environment.name,
        danger=settings.environment.danger,
        window=display.window,
        time=display.time,
        wall=WallOptions(settings.wall.rotate, settings.wall.views, saved) if is_wall else None,
    )


def _saved_view(arguments: argparse.Namespace, settings: "Settings") -> "SavedView | None":
    """The view that ``--view`` names. Raises OpsconsoleError where there is none."""
    name = getattr(arguments, "view", None)
    if not name:
        return None
    from opsconsole.engine.state.snapshot_builder import saved_views
    from opsconsole.render.fleet.saved_views import view_called

    own = {each.name: each for each in _choices(arguments).read().views}
    views = {**{each.name: each for each in saved_views(settings)}, **own}
    found = view_called(name, tuple(views.values()))
    if found is None:
        there = f"there are: {', '.join(views)}" if views else "there is none"
        raise OpsconsoleError(
            f"no view is called {sanitize(name, limit=80)}",
            remedy=f"{there}; name one under views:",
        )
    return found


def _asked(arguments: argparse.Namespace, name: str) -> bool:
    return bool(getattr(arguments, name, False))
