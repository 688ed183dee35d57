"""For which copies a restart is: what is not healthy, one, or all; pinned by name."""

from collections.abc import Mapping

import pytest

from opsconsole.config.settings import Settings
from opsconsole.model.operation import (
    COPIES,
    ActionKind,
    ActionRequest,
    Copy,
    Meant,
    Step,
)
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Driver, ObserveError, StepOutcome
from opsconsole.operations.planning.copies import choose
from opsconsole.operations.planning.declared import Declared, find

OK, DOWN, UNKNOWN, DEGRADED = State.OK, State.DOWN, State.UNKNOWN, State.DEGRADED


class Copied(Driver):
    """A driver that knows its copies and is asked nothing else."""

    def __init__(self, copies: tuple[Copy, ...]) -> None:
        self._copies = copies

    async def copies(self) -> tuple[Copy, ...]:
        return self._copies

    async def observe(self) -> Mapping[str, str]:
        raise NotImplementedError

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        raise NotImplementedError

    async def execute(self, step: Step) -> StepOutcome:
        raise NotImplementedError

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        raise NotImplementedError

    def undo(self) -> str:
        raise NotImplementedError


def declared(restart: str = "{http: {post: /restart}}") -> Declared:
    import yaml

    action = yaml.safe_load(restart)
    urls = [f"http://127.0.0.1:{port}" for port in (1, 2, 3)]
    web = {"instances": urls, "actions": {"restart": action}}
    settings = Settings.model_validate({"docker": [], "services": {"web": web}})
    found = find(settings, "web", ActionKind.RESTART, "")
    assert found is not None
    return found


async def chosen(
    parameters: Mapping[str, str],
    own: Mapping[str, State],
    probed: Mapping[str, State] | None = None,
    found: Declared | None = None,
) -> tuple[dict[str, str], list[str]]:
    """The parameters that are left, and the names that are marked."""
    request = ActionRequest("web", ActionKind.RESTART, parameters=parameters)

    async def states() -> Mapping[str, State]:
        return probed or {}

    driver = Copied(tuple(Copy(name, state) for name, state in own.items()))
    answer, copies = await choose(request, found or declared(), lambda _: driver, states)
    return dict(answer.parameters), [each.name for each in copies if each.chosen]


USUAL, UNHEALTHY, ALL = ({COPIES: each.value} for each in Meant)
NAMES = ("a", "b", "c")


@pytest.mark.parametrize(
    ("states", "names"),
    [
        ((OK, OK, DOWN), ["c"]),
        ((DOWN, OK, DOWN), ["a", "c"]),
        ((OK, UNKNOWN, DEGRADED), ["b", "c"]),
        ((OK, OK, OK), ["a", "b", "c"]),
        ((DOWN, DOWN, DOWN), ["a", "b", "c"]),
        ((UNKNOWN, UNKNOWN, UNKNOWN), ["a", "b", "c"]),
    ],
)
async def test_usually_it_is_for_what_is_not_healthy_or_for_all(
    states: tuple[State, ...], names: list[str]
) -> None:
    parameters, marked = await chosen(USUAL, dict(zip(NAMES, states, strict=True)))
    assert marked == names
    everything = len(names) == 3
    assert parameters == ({} if everything else {"instance": ",".join(names)})
    parameters, marked = await chosen(ALL, dict(zip(NAMES, states, strict=True)))
    assert (parameters, marked) == ({}, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("own", "probed", "names"),
    [
        ((OK, OK), (OK, DOWN), ["b"]),
        ((DOWN, OK), (OK, OK), ["a"]),
        ((UNKNOWN, UNKNOWN), (OK, DOWN), ["b"]),
        ((DOWN, OK), (None, None), ["a"]),
    ],
)
async def test_the_worse_of_driver_and_probe_counts(
    own: tuple[State, ...], probed: tuple[State | None, ...], names: list[str]
) -> None:
    known = {name: state for name, state in zip("ab", probed, strict=True) if state is not None}
    _, marked = await chosen(USUAL, dict(zip("ab", own, strict=True)), known)
    assert marked == names


async def test_what_is_named_is_meant_however_it_is() -> None:
    parameters, marked = await chosen({"instance": "a,b"}, dict.fromkeys(NAMES, OK))
    assert (parameters, marked) == ({"instance": "a,b"}, ["a", "b"])


async def test_with_all_healthy_there_is_nothing_unhealthy_to_restart() -> None:
    with pytest.raises(ObserveError, match="every copy of web is healthy") as refused:
        await chosen(UNHEALTHY, dict.fromkeys(NAMES, OK))
    assert refused.value.code == "nothing-to-do"


@pytest.mark.parametrize("parameters", [{}, {"override": "yes"}])
async def test_where_nothing_is_said_of_copies_nobody_looks(parameters: dict[str, str]) -> None:
    assert await chosen(parameters, {"a": OK, "b": DOWN}) == (parameters, [])


async def test_one_copy_leaves_nothing_to_choose() -> None:
    assert await chosen(USUAL, {"a": DOWN}) == ({}, [])


async def test_a_driver_that_knows_no_copies_restarts_the_service() -> None:
    swarm = declared("{swarm: web}")
    assert await chosen(USUAL, {}, found=swarm) == ({}, [])
    with pytest.raises(ObserveError, match="swarm cannot restart some copies"):
        await chosen(UNHEALTHY, {}, found=swarm)
