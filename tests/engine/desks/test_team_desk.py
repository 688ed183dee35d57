"""What people share, followed from the engine's loop: reported once, refused with a reason."""

from pathlib import Path

import pytest

from opsconsole.engine.desks.team_desk import EARLIER, TeamDesk
from opsconsole.errors import StateError
from opsconsole.model.events import Event
from opsconsole.model.handover import Handover
from opsconsole.model.incidents import Incident, IncidentRequest, IncidentVerb
from opsconsole.model.operation import Refusal
from opsconsole.model.people import Present, at_service
from opsconsole.model.snapshot import Snapshot
from opsconsole.operations.people.team import TeamBook
from opsconsole.operations.state_place import FolderPlace
from opsconsole.operations.who import whoami
from opsconsole.render.timeline.words import words
from tests.fakes import FakeClock

OPEN = IncidentRequest(IncidentVerb.OPEN, text="checkout slow", services=("shop",))


class Away:
    """A state that cannot be used."""

    def incidents(self) -> tuple[Incident, ...]:
        raise StateError("cannot read the journal")

    def do(self, request: IncidentRequest, at: float) -> Incident | Refusal:
        raise StateError("cannot write the journal", remedy="make room")

    def handover(self) -> Handover | None:
        raise StateError("cannot read the journal")

    def take(self, open_things: int, at: float) -> Handover:
        raise StateError("cannot write the journal", remedy="make room")

    def present(self, service: str) -> tuple[Present, ...]:
        raise StateError("cannot read the journal")

    def close(self) -> None:
        """Nothing is held."""


class Two:
    """Two consoles on one state, each with its timeline."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.mine: list[Event] = []
        self.theirs: list[Event] = []
        self.clock, self.folder = clock, folder
        self.one = TeamDesk(TeamBook(FolderPlace(folder)), clock, self.mine.append)
        self.other = TeamDesk(TeamBook(FolderPlace(folder)), clock, self.theirs.append)

    def close(self) -> None:
        self.one.close()
        self.other.close()


@pytest.fixture
def two(tmp_path: Path, clock: FakeClock) -> Two:
    return Two(tmp_path / "state", clock)


async def test_an_incident_is_on_both_consoles_and_once_on_each_timeline(two: Two) -> None:
    await two.other.follow()
    opened = await two.one.do(OPEN)
    assert isinstance(opened, Incident)
    await two.other.follow()
    assert two.other.parts.incidents == two.one.parts.incidents == (opened,)
    await two.other.do(IncidentRequest(IncidentVerb.CLOSE, 1, "well again"))
    for desk in (two.one, two.other, two.one, two.other):
        await desk.follow()
    who = f"{whoami().name}@{whoami().host}"
    said = [f"INC-1 opened by {who}: checkout slow", f"INC-1 closed by {who}: well again"]
    assert [words(each) for each in two.mine] == said
    assert two.mine == two.theirs
    assert {each.service for each in two.mine} == {"shop"}
    two.close()


async def test_what_is_the_same_is_the_same_object_and_is_not_shown_again(two: Two) -> None:
    await two.one.do(OPEN)
    await two.other.follow()
    before = two.other.parts
    await two.other.follow()
    assert all(a is b for a, b in zip(before, two.other.parts, strict=True))
    shown = Snapshot(1, 0.0, **before._asdict())
    assert two.other.shown_in(shown)
    await two.one.do(IncidentRequest(IncidentVerb.STATUS, 1, "rolling back"))
    await two.other.follow()
    assert not two.other.shown_in(shown)
    two.close()


async def test_of_long_ago_only_the_incident_itself_is_shown(two: Two) -> None:
    await two.one.do(OPEN)
    two.clock.move(EARLIER + 1)
    await two.other.follow()
    assert len(two.other.parts.incidents) == 1
    assert two.theirs == []
    two.close()


async def test_each_sees_what_the_other_looks_at(two: Two) -> None:
    await two.one.do(OPEN)
    await two.other.look_at("shop")
    await two.one.follow()
    assert len(at_service(two.one.parts.present, "shop")) == 1
    await two.other.look_at("")
    await two.one.follow()
    assert at_service(two.one.parts.present, "shop") == ()
    two.close()


async def test_a_hand_over_is_seen_by_the_other(two: Two) -> None:
    taken = await two.one.take(3)
    await two.other.follow()
    assert two.other.parts.handover == taken
    two.close()


async def test_a_state_that_is_away_is_said_and_hides_nothing_that_was_known(
    two: Two, clock: FakeClock
) -> None:
    await two.one.do(OPEN)
    await two.one.look_at("shop")
    known = two.one.parts
    assert known.present
    two.one._team = Away()
    await two.one.follow()
    assert two.one.fault == "cannot read the journal"
    assert two.one.parts.incidents is known.incidents
    assert two.one.parts.present == (), "who is here is not known any more"
    two.close()


async def test_what_cannot_be_recorded_is_refused_with_the_reason(clock: FakeClock) -> None:
    desk = TeamDesk(Away(), clock, lambda _: None)
    for answer in (await desk.do(OPEN), await desk.take(1)):
        assert isinstance(answer, Refusal)
        assert (answer.code, answer.lifted_by) == ("cannot-record", "make room")
    desk.close()


async def test_from_a_moment_that_has_passed_nothing_is_opened(two: Two) -> None:
    answer = await two.one.do(IncidentRequest(IncidentVerb.OPEN, text="late", replay=True))
    assert isinstance(answer, Refusal)
    assert answer.code == "replay"
    assert not two.folder.exists()
    two.close()


async def test_a_console_without_a_state_shares_nothing(clock: FakeClock) -> None:
    desk = TeamDesk(None, clock, lambda _: None)
    await desk.follow()
    answer = await desk.do(OPEN)
    assert isinstance(answer, Refusal)
    assert answer.code == "no-state"
    desk.close()
