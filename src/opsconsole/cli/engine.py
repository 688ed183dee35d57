"""An engine with its operator, as the commands use it."""

from opsconsole.cli.configuration import Configuration
from opsconsole.clock import SystemClock
from opsconsole.engine.engine import Engine
from opsconsole.operations.notes import NoteBook
from opsconsole.operations.operator import Operator
from opsconsole.operations.state_folder import state_folder


def build_operator(configuration: Configuration) -> Operator:
    """The door for changes, closed when read-only."""
    return Operator(
        configuration.settings,
        base=configuration.base,
        clock=SystemClock(),
        read_only=configuration.read_only,
        state_dir=state_folder(configuration.settings),
        config_path=configuration.path,
    )


def note_book(configuration: Configuration) -> NoteBook:
    """The notes of every console of this state folder."""
    settings = configuration.settings
    return NoteBook(state_folder(settings), shared=bool(settings.state_dir))


def build_engine(configuration: Configuration) -> Engine:
    """An engine that is not started yet."""
    return Engine(
        configuration.settings,
        base=configuration.base,
        clock=SystemClock(),
        read_only=configuration.read_only,
        operator=build_operator(configuration),
        notes=note_book(configuration),
    )
