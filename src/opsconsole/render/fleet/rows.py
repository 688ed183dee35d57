"""The rows of the services' table: headings that fold, services, and services that are alike.

Invariant: what is not well is never hidden: it has a row, or it is counted in a row of those that
are alike, or in the folded heading of an environment that is not dangerous. The row that is held
stays, whatever becomes of it. Of what is folded nothing is sorted.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.snapshot import ServiceView
from opsconsole.render.fleet.grouping import FEW, Group
from opsconsole.render.service.standing import is_well, seen_standing
from opsconsole.render.service.why import LONGEST, why

ALIKE_FROM: Final = 3
"""So many services with one state and one cause are one row."""

Sorted = Callable[[Iterable[ServiceView]], list[ServiceView]]


@dataclass(frozen=True, slots=True, eq=False)
class Heading:
    """The row of a group. ``is_open``: its trouble is below it; ``whole``: so is what is well."""

    group: Group
    is_open: bool
    whole: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """The row of services that stand alike for one reason."""

    key: str
    services: tuple[ServiceView, ...]
    is_open: bool


Row = ServiceView | Heading | Alike


@dataclass(frozen=True, slots=True)
class Unfolded:
    """What the user unfolded, by key, and ``failing_only``: nothing that is well is listed."""

    keys: frozenset[str] = frozenset()
    failing_only: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows by key, in order. The last ones, ``beside``, share lines: they are folded."""

    rows: Mapping[str, Row] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    """The keys of the groups that are open, in their order."""
    urgent: int = 0
    """How many services in all groups are not well."""

    @property
    def first_service(self) -> int:
        """The position of the first row that is no heading; 0 where all are."""
        places = enumerate(self.rows.values())
        return next((at for at, row in places if not isinstance(row, Heading)), 0)


def flat(services: Sequence[ServiceView], unfolded: Unfolded, *, held: str = "") -> Rows:
    """Sorted services without groups; those that are alike together, where there are many."""
    shown = services
    if unfolded.failing_only:
        shown = [each for each in services if each.name == held or not is_well(each)]
    if len(services) <= FEW:
        return Rows({each.name: each for each in shown})
    return Rows(_alike(shown, "", unfolded.keys, held))


def grouped(
    groups: Sequence[Group],
    sort: Sorted,
    unfolded: Unfolded,
    *,
    headings: bool,
    held: str = "",
    before: Sequence[str] = (),
) -> Rows:
    """Groups with trouble open, then those that are well, folded.

    Without ``headings`` what is not well stands in one order, and only what the user unfolded has a
    heading. ``held`` is the key of the row under the cursor: its group stays where it was in
    ``before``.
    """
    rows: dict[str, Row] = {}
    whole = {each.key for each in groups if each.key in unfolded.keys}
    troubled = {each.key for each in groups if not each.may_fold} - whole
    kept = _group_of(held, groups)
    if headings:
        wanted = whole | troubled | ({kept.key} & set(before) if kept is not None else set())
        shown = _in_order([each for each in groups if each.key in wanted], kept, before)
    else:
        shown = [each for each in groups if each.key in whole]
        mixed = [
            each
            for group in groups
            if group.key not in whole
            for each in _listed(group, held, trouble=not group.may_fold)
        ]
        rows |= _alike(sort(mixed), "", unfolded.keys, held)
    for group in shown:
        rows |= _of_group(group, sort, unfolded, held, whole=group.key in whole)
    beside = [
        Heading(each, is_open=False)
        for each in groups
        if each.key not in rows
        and (
            (each.trouble and each.key not in troubled) or (each.well and not unfolded.failing_only)
        )
    ]
    rows |= {each.group.key: each for each in beside}
    return Rows(
        rows,
        tuple(each.group.key for each in beside),
        tuple(each.key for each in shown),
        sum(len(each.trouble) for each in groups),
    )


def _in_order(shown: list[Group], kept: Group | None, before: Sequence[str]) -> list[Group]:
    """``shown``, but the one with the cursor stays where it was."""
    if kept in shown and kept.key in before:
        shown.remove(kept)
        shown.insert(min(before.index(kept.key), len(shown)), kept)
    return shown


def _of_group(
    group: Group, sort: Sorted, unfolded: Unfolded, held: str, *, whole: bool
) -> dict[str, Row]:
    with_well = whole and not unfolded.failing_only
    listed = [*group.trouble, *group.well] if with_well else _listed(group, held)
    heading = Heading(group, is_open=bool(listed), whole=whole)
    return {group.key: heading, **_alike(sort(listed), group.key, unfolded.keys, held)}


def _listed(group: Group, held: str, *, trouble: bool = True) -> list[ServiceView]:
    """What is not well, and the service that is held."""
    shown = group.trouble if trouble else tuple(e for e in group.trouble if e.name == held)
    return [*shown, *(each for each in group.well if each.name == held)]


def _group_of(held: str, groups: Sequence[Group]) -> Group | None:
    """The group of the row that is held: of a heading, of a service, of services alike."""
    if not held:
        return None
    head = held.partition("\n")[0]
    for group in groups:
        if group.key == head:
            return group
    for group in groups:
        if any(each.name == held for each in (*group.trouble, *group.well)):
            return group
    return None


def _alike(
    services: Sequence[ServiceView], within: str, unfolded: frozenset[str], held: str
) -> dict[str, Row]:
    """Rows of ``services``; those of one state and one cause are one row at the first's place."""
    together: defaultdict[str, list[ServiceView]] = defaultdict(list)
    for each in services:
        said = "" if is_well(each) else why(each, LONGEST)
        if not said:
            continue
        key = f"{within}\n{seen_standing(each)}\n{said}"
        if each.name != held or key in unfolded:
            together[key].append(each)
    of = {
        each.name: key
        for key, found in together.items()
        if len(found) >= ALIKE_FROM
        for each in found
    }
    if not of:
        return {each.name: each for each in services}
    rows: dict[str, Row] = {}
    for each in services:
        shared = of.get(each.name)
        if shared is None:
            rows[each.name] = each
        elif shared not in rows:
            is_open = shared in unfolded
            rows[shared] = Alike(shared, tuple(together[shared]), is_open)
            if is_open:
                rows |= {member.name: member for member in together[shared]}
    return rows


def is_trouble(row: Row) -> bool:
    """Whether it stands for something that is not well and has no row below it."""
    match row:
        case ServiceView():
            return not is_well(row)
        case Heading():
            return bool(row.group.trouble) and not row.is_open and row.group.may_fold
        case Alike():
            return True
