"""What the event stream does not tell is told from the lists, once."""

from dataclasses import replace

from opsconsole.model.events import EventKind
from opsconsole.model.running.workloads import Phase, Replica
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from opsconsole.sources.docker.changes import Changes
from tests.workloads import replica

CONTAINER = replica("web", id="a" * 64, image="shop:1", image_id="sha256:1")


def ended(container: Replica, at: float, code: int = 1, *, oom: bool = False) -> Replica:
    return replace(
        container,
        status="exited",
        phase=Phase.ENDED,
        state=State.DOWN,
        exit_code=code,
        finished_at=at,
        oom_killed=oom,
    )


def test_another_image_under_the_same_name_is_an_event() -> None:
    changes = Changes()
    assert changes.observe([CONTAINER], 100) == []

    other = replace(CONTAINER, id="b" * 64, image="shop:2", image_id="sha256:2", started_at=104)
    (event,) = changes.observe([other], 105)

    assert event.kind is EventKind.IMAGE
    assert (event.at, event.subject, event.before, event.after) == (104, "web", "shop:1", "shop:2")
    assert changes.observe([other], 110) == []


def test_an_image_change_began_when_the_container_before_was_ended_for_it() -> None:
    changes = Changes()
    changes.observe([CONTAINER], 100)
    changes.heard_death(CONTAINER.id, 101.5)
    other = replace(CONTAINER, id="b" * 64, image="shop:2", image_id="sha256:2", started_at=104)
    assert [event.at for event in changes.observe([other], 105)] == [101.5]


def test_an_end_of_long_ago_was_not_for_the_image_that_came_later() -> None:
    changes = Changes()
    changes.observe([CONTAINER], 100)
    changes.heard_death(CONTAINER.id, 101.5)
    other = replace(CONTAINER, id="b" * 64, image="shop:2", image_id="sha256:2", started_at=900)
    assert [event.at for event in changes.observe([other], 905)] == [900]


def test_a_tag_that_moved_is_told_with_the_images_behind_it() -> None:
    changes = Changes()
    changes.observe([CONTAINER], 100)

    (event,) = changes.observe([replace(CONTAINER, id="b" * 64, image_id="sha256:2")], 105)

    assert words(event) == "image shop:1 (1) → shop:1 (2)"


def test_the_same_image_anew_is_no_event() -> None:
    changes = Changes()
    changes.observe([CONTAINER], 100)

    assert changes.observe([replace(CONTAINER, id="b" * 64)], 105) == []


def test_an_image_change_is_seen_across_a_time_without_the_container() -> None:
    changes = Changes()
    changes.observe([CONTAINER], 100)
    changes.observe([], 105)

    assert len(changes.observe([replace(CONTAINER, id="b" * 64, image_id="x")], 110)) == 1


def test_an_end_that_the_stream_told_is_not_told_again() -> None:
    changes = Changes()
    changes.observe([CONTAINER], 100)
    changes.heard_death(CONTAINER.id, 103.0)

    assert changes.observe([ended(CONTAINER, 103.1)], 105) == []
    assert changes.observe([ended(CONTAINER, 103.1)], 110) == []


def test_an_end_that_the_stream_tells_late_is_not_told_twice() -> None:
    changes = Changes()
    changes.observe([CONTAINER], 100)

    assert changes.observe([ended(CONTAINER, 104.9)], 105) == []
    changes.heard_death(CONTAINER.id, 104.9)
    assert changes.observe([ended(CONTAINER, 104.9)], 110) == []


def test_an_end_that_the_stream_missed_is_told_from_the_list() -> None:
    changes = Changes()
    changes.observe([CONTAINER], 100)

    assert changes.observe([ended(CONTAINER, 103, 137, oom=True)], 105) == []
    (event,) = changes.observe([ended(CONTAINER, 103, 137, oom=True)], 110)

    assert words(event) == "died, exit 137, out of memory"
    assert event.at == 103
    assert changes.observe([ended(CONTAINER, 103, 137, oom=True)], 115) == []


def test_what_had_ended_before_the_first_look_is_no_event() -> None:
    changes = Changes()

    for now in (100, 105, 110):
        assert changes.observe([ended(CONTAINER, 50)], now) == []


def test_a_container_that_died_by_itself_was_not_ended_for_the_next_image() -> None:
    changes = Changes()
    changes.observe([CONTAINER], 100)
    changes.heard_death(CONTAINER.id, 101.5, ordered=False)
    other = replace(CONTAINER, id="b" * 64, image="shop:2", image_id="sha256:2", started_at=104)
    assert [event.at for event in changes.observe([other], 105)] == [104]


def test_a_kill_was_not_for_the_repair_that_came_most_of_a_minute_later() -> None:
    changes = Changes()
    changes.observe([CONTAINER], 100)
    changes.heard_death(CONTAINER.id, 101)
    other = replace(CONTAINER, id="b" * 64, image="shop:2", image_id="sha256:2", started_at=148)
    assert [event.at for event in changes.observe([other], 150)] == [148]
