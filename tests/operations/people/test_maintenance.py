"""Announced work in a state: begun, seen by all, ended."""

from datetime import UTC, datetime
from pathlib import Path

from opsconsole.config.loader import load
from opsconsole.model.maintenance import LONGEST, Maintenance
from opsconsole.model.operation import Refusal
from opsconsole.operations.journal.ledger_bounds import BOUNDS
from opsconsole.operations.journal.records import LedgerKind
from opsconsole.operations.people.maintenance import MaintenanceBook, scheduled
from tests.operations.place import Place

AT = 1_700_000_000.0
HOUR = 3600.0


def _code(answer: object) -> str:
    assert isinstance(answer, Refusal)
    return answer.code


def test_nothing_is_made_by_looking(place: Place) -> None:
    assert MaintenanceBook(place.there).all(AT) == ()
    assert _code(MaintenanceBook(place.there).end("web", AT)) == "no-such-maintenance"
    assert place.is_untouched()


def test_what_one_begins_another_sees_and_ends(place: Place) -> None:
    here, there = MaintenanceBook(place.there), MaintenanceBook(place.there)
    begun = here.start(["web", "web"], HOUR, "new disks", AT)
    assert isinstance(begun, Maintenance)
    assert (begun.services, begun.ends_at) == (("web",), AT + HOUR)
    assert there.all(AT) == (begun,)

    ended = there.end("web", AT + 60)
    assert not isinstance(ended, Refusal)
    assert [each.is_on(AT + 60) for each in here.all(AT + 60)] == [False]
    assert _code(here.end(begun.id, AT + 61)) == "no-such-maintenance"


def test_it_ends_by_itself_and_is_listed_for_a_day(place: Place) -> None:
    book = MaintenanceBook(place.there)
    book.start([], HOUR, "patches", AT)

    assert [each.is_on(AT + HOUR) for each in book.all(AT + HOUR)] == [False]
    assert book.all(AT + HOUR + 86400) == ()


def test_what_ended_by_itself_takes_no_place_of_what_goes_on(place: Place) -> None:
    book, listed = MaintenanceBook(place.there), BOUNDS[LedgerKind.MAINTENANCE].listed
    long = book.start(["db"], 10 * HOUR, "new disks", AT)
    assert isinstance(long, Maintenance)
    for number in range(listed + 1):
        book.start([f"web-{number}"], 1.0, "patches", AT + 2.0 * number)

    assert long in book.all(AT + HOUR)
    assert [each for each in book.all(AT + HOUR) if each.is_on(AT + HOUR)] == [long]


def test_one_of_several_services_is_ended_by_its_id_alone(place: Place) -> None:
    book = MaintenanceBook(place.there)
    both = book.start(["web", "api"], HOUR, "patches", AT)
    assert isinstance(both, Maintenance)

    refused = book.end("web", AT)
    assert _code(refused) == "not-alone"
    assert both.id in str(refused), "what to do next"
    assert _code(book.end("db", AT)) == "no-such-maintenance"
    assert not isinstance(book.end(both.id, AT), Refusal)


def test_it_has_a_reason_and_an_end(place: Place) -> None:
    book = MaintenanceBook(place.there)

    assert _code(book.start(["web"], HOUR, " \t", AT)) == "reason-missing"
    for lasts in (0.0, -1.0, LONGEST + 1, float("nan")):
        assert _code(book.start(["web"], lasts, "x", AT)) == "bad-duration"


def test_the_hours_of_the_configuration_are_one(tmp_path: Path) -> None:
    path = tmp_path / "opsconsole.yaml"
    path.write_text(
        "services: {web: {instances: ['http://127.0.0.1:1']}}\n"
        "maintenance: [{services: web, hours: 'sun 02:00-04:00', reason: patches}]\n"
    )
    path.chmod(0o600)
    settings = load(path)
    sunday = datetime(2026, 12, 6, 3, tzinfo=UTC).timestamp()

    (found,) = scheduled(settings, sunday)
    assert (found.services, found.scheduled, found.reason) == (("web",), True, "patches")
    assert (found.starts_at, found.ends_at) == (sunday - HOUR, sunday + HOUR)
    assert scheduled(settings, sunday + HOUR) == ()
