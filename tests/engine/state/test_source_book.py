"""How the places that are read are told of."""

from opsconsole.engine.records.event_log import EventLog
from opsconsole.engine.state.source_book import SourceBook
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.observations import BudgetsSeen, PrometheusSeen
from opsconsole.model.reading import Reading
from opsconsole.model.source_id import SourceId
from tests.engine.conftest import ScriptedSource
from tests.fakes import FakeClock
from tests.named import named

SLOW = Fault(FaultKind.TIMEOUT, "slow")
SERVER, HISTORY = named("prometheus:main"), named("budgets:main")


def test_a_history_is_told_of_when_it_fails_alone_and_never_twice(clock: FakeClock) -> None:
    events = EventLog()
    book = SourceBook(events)
    for key in (SERVER, HISTORY):
        book.watch(ScriptedSource(key, 15.0, clock), 0.0)

    def note(key: SourceId, at: float, fault: Fault | None = None) -> list[str]:
        value = None if fault else BudgetsSeen(())
        book.note(Reading(key, at, 0.1, value=value, fault=fault), 0.0)
        return [view.name for view in book.views()]

    assert note(SERVER, 1.0) == ["main"]
    assert note(HISTORY, 1.0) == ["main"]
    assert note(HISTORY, 2.0, SLOW) == ["main", "main history"]
    # The server is away: one cause is told once.
    assert note(SERVER, 3.0, SLOW) == ["main"]
    assert note(SERVER, 4.0) == ["main", "main history"]
    assert note(HISTORY, 5.0) == ["main"]
    assert len(events.view()) == 2


def test_queries_that_failed_are_a_note_of_the_history(clock: FakeClock) -> None:
    book = SourceBook(EventLog())
    book.watch(ScriptedSource(HISTORY, 15.0, clock), 0.0)
    view = BudgetsSeen((), (("sum(x)", SLOW),))
    book.note(Reading(HISTORY, 1.0, 0.1, value=view), 0.0)
    (seen,) = book.views()
    assert seen.note == "1 queries failed, first sum(x): timeout: slow"


def test_sources_that_are_gone_are_forgotten_and_others_keep_their_past(clock: FakeClock) -> None:
    book = SourceBook(EventLog())
    docker = ScriptedSource(named("docker:docker"), 5.0, clock)
    for source in (docker, ScriptedSource(SERVER, 15.0, clock)):
        book.watch(source, 0.0)
        book.note(Reading(source.id, 1.0, 0.1, value=PrometheusSeen()), 0.0)
    book.retain({docker.id})
    book.watch(docker, 9.0)
    (seen,) = book.views()
    assert (seen.name, seen.taken_at) == ("docker", 1.0)
    book.watch(ScriptedSource(docker.id, 5.0, clock), 9.0)
    (seen,) = book.views()
    assert (seen.taken_at, seen.since) == (None, 9.0)
