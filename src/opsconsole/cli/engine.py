"""An engine with its operator, as the commands use it."""

from typing import Final

from opsconsole.cli.configuration import Configuration
from opsconsole.cli.keymap import keymap_problems
from opsconsole.cli.known_state import note_book, team_book
from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.config.settings import Settings
from opsconsole.engine.engine import PUBLISH_EVERY, Engine
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.joined import JoinedArchive
from opsconsole.engine.recording.others import Others
from opsconsole.engine.recording.place import place_of
from opsconsole.engine.recording.recorder import EVERY, Recorder
from opsconsole.engine.recording.sharing import Sharing
from opsconsole.engine.recording.upkeep import Bounds
from opsconsole.engine.reload import ConfigurationWatch
from opsconsole.errors import ConfigError
from opsconsole.model.people import PresentKind
from opsconsole.operations.operator import Operator
from opsconsole.operations.state_place import place_from


def build_operator(configuration: Configuration) -> Operator:
    """The door for changes, closed when read-only."""
    return Operator(
        configuration.settings,
        base=configuration.base,
        clock=SystemClock(),
        read_only=configuration.read_only,
        state=place_from(configuration.settings),
        config_path=configuration.path,
    )


_NAMED: Final = 100
"""Characters of an environment's name, by which hosts find each other's recordings."""


def build_recorder(configuration: Configuration, every: float = EVERY) -> Recorder | None:
    """The flight recorder, not started yet; None where recording is switched off."""
    recording = configuration.settings.recording
    if not recording.enabled:
        return None
    settings = configuration.settings
    place = place_of(settings, configuration.path)
    bounds, name = Bounds(recording.keep, recording.size), settings.environment.name[:_NAMED]

    def share() -> Sharing | None:
        shared = place_from(settings).recordings()
        if shared is None:
            return None
        return Sharing(place.database, shared, name, recording.keep)

    return Recorder(place, bounds, every=every, share=share)


def archive_of(configuration: Configuration) -> Archive | JoinedArchive | None:
    """What was recorded of this configuration, by other hosts too where the state is shared; None
    where recording is switched off and no others are seen. Raises StateError."""
    settings = configuration.settings
    path = place_of(settings, configuration.path).database
    shared = place_from(settings).recordings()
    if shared is None:
        return Archive(path) if settings.recording.enabled else None
    return JoinedArchive(Archive(path), Others(shared, settings.environment.name[:_NAMED], path))


def watch_of(configuration: Configuration) -> ConfigurationWatch | None:
    """Reads the configuration again when it changes; None where no file was read."""
    path = configuration.path
    if path is None:
        return None

    def read() -> Settings:
        settings = load(path)
        unusable = keymap_problems(settings.keys, path)
        if unusable:
            raise ConfigError(unusable)
        return settings

    return ConfigurationWatch(path, configuration.base, read)


def build_engine(
    configuration: Configuration,
    pace: float = PUBLISH_EVERY,
    *,
    unseen: bool = False,
    kind: PresentKind = PresentKind.CONSOLE,
) -> Engine:
    """An engine that is not started yet; it records, where that is switched on.

    ``pace`` is the minimum of seconds between two snapshots, and two recorded moments; ``unseen``:
    nobody goes back to earlier ones in it. Others are shown that it is a ``kind``.
    """
    return Engine(
        configuration.settings,
        base=configuration.base,
        clock=SystemClock(),
        read_only=configuration.read_only,
        operator=build_operator(configuration),
        notes=note_book(configuration),
        team=team_book(configuration, kind),
        archive=archive_of(configuration),
        recorder=build_recorder(configuration, max(pace, EVERY)),
        configuration=watch_of(configuration),
        pace=pace,
        unseen=unseen,
    )
