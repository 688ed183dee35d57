"""Groups that fold: nothing that is not well is hidden, counts add up, the cursor's row stays."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.snapshot import EnvironmentView, ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.fleet.grouping import Grouping, Groups
from opsconsole.render.fleet.headings import beside
from opsconsole.render.fleet.rows import Alike, Heading, Rows, Unfolded, flat, grouped
from opsconsole.render.service.standing import Standing, seen_standing
from opsconsole.render.service.table import Sort, sorter
from tests.ui import fleets
from tests.ui.fleet import NOW

ELSEWHERE = (EnvironmentView("staging", "low"), EnvironmentView("eu", "high"))
ANY_SERVICE = st.builds(
    lambda state, group, environment, reason: ServiceView(
        "", state, NOW, group=group, environment=environment, team=group[:1],
        places=(group,) if group else (), reason=reason if state is not State.OK else "",
    ),
    st.sampled_from(list(State)),
    st.sampled_from(["ai", "data", "shop", ""]),
    st.sampled_from(["", "", "", "staging", "eu"]),
    st.sampled_from(["connection refused by db-1", "disk full", ""]),
)  # fmt: skip
SERVICES = st.lists(ANY_SERVICE, max_size=18).map(
    lambda made: tuple(replace(each, name=f"s{n:02d}") for n, each in enumerate(made))
)
GROUPINGS = st.sampled_from([each for each in Grouping if each is not Grouping.NONE])


def fleet_of(services: tuple[ServiceView, ...]) -> Snapshot:
    return Snapshot(1, NOW, EnvironmentView("production", "high"), services, environments=ELSEWHERE)


def rows_of(
    snapshot: Snapshot, by: Grouping = Grouping.GROUP, keys: frozenset[str] = frozenset(), *,
    failing: bool = False, headings: bool = True, held: str = "", before: tuple[str, ...] = (),
) -> Rows:  # fmt: skip
    return grouped(
        Groups().of(snapshot, by), sorter(snapshot, Sort.STATE), Unfolded(keys, failing),
        headings=headings, held=held, before=before,
    )  # fmt: skip


def told(rows: Rows) -> dict[str, int]:
    """How often each service that is not well is told of: by its row, or by one that counts it."""
    seen: dict[str, int] = {}
    for row in rows.rows.values():
        match row:
            case Heading(is_open=False, group=group) if group.may_fold:
                names = [each.name for each in group.trouble]
            case Alike(is_open=False, services=members):
                names = [each.name for each in members]
            case ServiceView(name=name):
                names = [name]
            case _:
                names = []
        for name in names:
            seen[name] = seen.get(name, 0) + 1
    return seen


def is_well(service: ServiceView) -> bool:
    return seen_standing(service) is Standing.OK


@given(SERVICES, GROUPINGS, st.booleans(), st.booleans(), st.integers(0, 60), st.data())
def test_what_is_not_well_is_told_once_whatever_is_folded(
    services: tuple[ServiceView, ...], by: Grouping, headings: bool, failing: bool, at: int,
    data: st.DataObject,
) -> None:  # fmt: skip
    snapshot = fleet_of(services)
    first = rows_of(snapshot, by, headings=headings)
    unfolded = frozenset(data.draw(st.lists(st.sampled_from([*first.rows, ""]))))
    keys = list(first.rows)
    held = keys[at % len(keys)] if keys else ""
    rows = rows_of(
        snapshot, by, unfolded, failing=failing, headings=headings, held=held, before=first.order
    )
    counts = told(rows)
    for each in services:
        if not is_well(each):
            assert counts.get(each.name) == 1, each.name
        else:
            assert counts.get(each.name, 0) <= 1
    assert held in rows.rows or not held or failing or "\n" in held


@given(SERVICES, GROUPINGS)
def test_headings_count_every_service_once(services: tuple[ServiceView, ...], by: Grouping) -> None:
    rows = rows_of(fleet_of(services), by)
    counted = [row.group for row in rows.rows.values() if isinstance(row, Heading)]
    assert sum(sum(group.tally.values()) for group in counted) == len(services)
    members = [each.name for group in counted for each in (*group.trouble, *group.well)]
    assert sorted(members) == sorted(each.name for each in services)


@given(SERVICES, SERVICES, st.booleans(), st.integers(0, 60))
def test_the_row_under_the_cursor_stays_when_the_order_changes(
    services: tuple[ServiceView, ...], later: tuple[ServiceView, ...], headings: bool, at: int
) -> None:
    """The same services, of which any may stand otherwise by now."""
    before = rows_of(fleet_of(services), headings=headings)
    changed = tuple(
        replace(each, state=other.state, reason=other.reason)
        for each, other in zip(services, (*later, *services[len(later):]), strict=False)
    )  # fmt: skip
    names = [key for key, row in before.rows.items() if isinstance(row, ServiceView)]
    if not names:
        return
    held = names[at % len(names)]
    after = rows_of(fleet_of(changed), headings=headings, held=held, before=before.order)
    assert isinstance(after.rows[held], ServiceView)
    group = next(each for each in services if each.name == held)
    head = (
        f":environment {group.environment}"
        if group.environment
        else (f":group {group.group or 'without a group'}")
    )
    if headings and head in before.order:
        first = min(before.order.index(head), len(after.order) - 1)
        assert after.order[first] == head


@given(SERVICES, st.integers(60, 200))
def test_folded_groups_keep_to_their_lines(services: tuple[ServiceView, ...], width: int) -> None:
    rows = rows_of(fleet_of(services))
    lines = beside(rows, width)
    assert tuple(key for line in lines for key in line) == rows.beside


def test_groups_with_trouble_come_first_the_worst_then_those_with_most() -> None:
    rows = rows_of(fleets.large())
    assert rows.order == (":group ai", ":group data", ":group shop", ":group mail")
    assert rows.beside == (
        ":group batch", ":group billing", ":group edge", ":group platform", ":environment eu",
        ":environment staging",
    )  # fmt: skip
    shown = [key for key, row in rows.rows.items() if isinstance(row, ServiceView)]
    assert sorted(shown) == sorted(fleets.IN_TROUBLE)


def test_a_dangerous_environment_with_trouble_is_not_folded_and_another_is() -> None:
    base = fleets.large()
    bad = (
        *fleets.elsewhere("eu", 3, trouble=State.DOWN),
        *fleets.elsewhere("staging", 3, trouble=State.DOWN),
    )
    rows = rows_of(replace(base, services=(*fleets.services(fire=False), *bad)))
    assert rows.order == (":environment eu",)
    assert ":environment staging" in rows.beside
    assert "eu-00" in rows.rows
    assert "staging-00" not in rows.rows
    whole = rows_of(replace(base, services=bad), keys=frozenset({":environment staging"}))
    assert "staging-01" in whole.rows


def test_twelve_of_one_cause_are_one_row_that_opens() -> None:
    rows = rows_of(fleets.shared_cause(12))
    (alike,) = [row for row in rows.rows.values() if isinstance(row, Alike)]
    assert len(alike.services) == 12
    assert "web-00" not in rows.rows
    opened = rows_of(fleets.shared_cause(12), keys=frozenset({alike.key}))
    assert {f"web-{number:02d}" for number in range(12)} <= set(opened.rows)


def test_few_services_are_listed_as_they_are() -> None:
    services = fleets.services()[:14]
    rows = flat(services, Unfolded())
    assert list(rows.rows) == [each.name for each in services]
    assert rows.beside == ()


def test_what_did_not_change_is_not_grouped_again() -> None:
    groups = Groups()
    snapshot = fleets.large()
    first = groups.of(snapshot, Grouping.GROUP)
    assert groups.of(replace(snapshot, seq=2), Grouping.GROUP) is first
    assert groups.of(snapshot, Grouping.TEAM) is not first


def test_every_grouping_has_its_headings() -> None:
    snapshot = fleets.large()
    names = {by: {group.name for group in Groups().of(snapshot, by)} for by in Grouping}
    assert {"ai", "data", "staging", "eu"} <= names[Grouping.GROUP]
    assert {"search-team", "storage", "without a team", "staging"} <= names[Grouping.TEAM]
    assert names[Grouping.ENVIRONMENT] == {"production", "staging", "eu"}
    assert {"web-1", "web-2", "web-3", "staging"} <= names[Grouping.PLACE]
    assert names[Grouping.NONE] == {""}
