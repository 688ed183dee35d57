"""What the console's own state has, as the commands that read use it.

Invariant: none of it is made where there is none yet.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from opsconsole.cli.configuration import Configuration
from opsconsole.clock import SystemClock
from opsconsole.engine.desks.automation_desk import automation_of, rules_of
from opsconsole.errors import StateError
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.events import Event
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import Degradation, Operation
from opsconsole.model.people import PresentKind
from opsconsole.model.snapshot import Snapshot
from opsconsole.operations.driving import own_acknowledgements
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import OPERATION_LIMIT
from opsconsole.operations.notes import NoteBook, read_notes
from opsconsole.operations.people.maintenance import MaintenanceBook, scheduled
from opsconsole.operations.people.team import TeamBook
from opsconsole.operations.remedies.book import RemedyBook
from opsconsole.operations.state_place import LateJournal, place_from, scope_of

T = TypeVar("T")


def acknowledged(configuration: Configuration) -> tuple[SilenceView, ...]:
    """What is acknowledged in the console's own state; nothing where that cannot be read, or is
    not there, and none is made."""
    now = SystemClock().now()
    try:
        return _of_journal(configuration, lambda each: own_acknowledgements.kept(each, now))
    except StateError:
        return ()


def maintenances_of(configuration: Configuration) -> tuple[Maintenance, ...]:
    """What is worked on, in every console and by the hours of this configuration. Raises
    StateError."""
    settings, now = configuration.settings, SystemClock().now()
    book = MaintenanceBook(place_from(settings))
    try:
        return (*scheduled(settings, now), *book.all(now))
    finally:
        book.close()


def known_maintenances(configuration: Configuration) -> tuple[Maintenance, ...]:
    """The same, as far as it can be read."""
    try:
        return maintenances_of(configuration)
    except StateError:
        return scheduled(configuration.settings, SystemClock().now())


def operations_of(configuration: Configuration) -> tuple[Operation, ...]:
    """What was done under this configuration; none is made where there is no journal. Raises
    StateError."""
    return _of_journal(configuration, lambda journal: journal.operations(limit=OPERATION_LIMIT))


def degradations_of(configuration: Configuration) -> tuple[Degradation, ...]:
    """What is degraded on purpose now. Raises StateError."""
    # It brings what looks again at the services that are found.
    from opsconsole.operations.promises.promising import lasting

    return _of_journal(configuration, lasting)


def _of_journal(
    configuration: Configuration, read: Callable[[Journal], tuple[T, ...]]
) -> tuple[T, ...]:
    settings = configuration.settings
    journal = LateJournal(place_from(settings), scope_of(settings, configuration.path))
    try:
        return read(journal.open()) if journal.is_there() else ()
    finally:
        journal.close()


def notes_of(configuration: Configuration) -> tuple[Event, ...]:
    """The notes of people, by when they were made. Raises StateError."""
    settings = configuration.settings
    return read_notes(place_from(settings), scope_of(settings, configuration.path))


def note_book(configuration: Configuration) -> NoteBook:
    """The notes of every console of this configuration."""
    settings = configuration.settings
    return NoteBook(place_from(settings), scope_of(settings, configuration.path))


def team_book(configuration: Configuration, kind: PresentKind = PresentKind.CONSOLE) -> TeamBook:
    """What people share who have this configuration."""
    settings = configuration.settings
    scope = scope_of(settings, configuration.path)
    return TeamBook(place_from(settings), scope, kind=kind, since=SystemClock().now())


def with_team(configuration: Configuration, seen: Snapshot) -> Snapshot:
    """``seen``, with what people share; where that cannot be read, a notice says why."""
    book = team_book(configuration)
    try:
        return replace(
            seen, incidents=book.incidents(), present=book.here(), handover=book.handover()
        )
    except StateError as error:
        return replace(seen, notices=(*seen.notices, f"the others are not seen: {error}"))
    finally:
        book.close()


def with_automation(configuration: Configuration, seen: Snapshot) -> Snapshot:
    """``seen``, with what remedies saw and did; where that cannot be read, a notice says why."""
    settings = configuration.settings
    rules = rules_of(settings)
    if not rules:
        return seen
    book = RemedyBook(place_from(settings), scope_of(settings, configuration.path))
    try:
        known = automation_of(rules, book.switch(), book.episodes(), seen.taken_at)
        return replace(seen, automation=known)
    except StateError as error:
        return replace(seen, notices=(*seen.notices, f"what remedies did is not read: {error}"))
    finally:
        book.close()
