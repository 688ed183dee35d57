"""A container that is created again of other parts is an event that names them and no value."""

import copy
from typing import Any

import pytest

from opsconsole.model.events import Event, EventKind
from opsconsole.render.timeline.words import words
from opsconsole.sources.docker.containers import Inspected, read_inspection
from opsconsole.sources.docker.making import Making
from tests.workloads import replica

SECRET = "https://user:hunter2@llm.internal"
FIRST: dict[str, Any] = {
    "Config": {"Env": [f"LLM_URL={SECRET}", "MODE=full", "EMPTY="], "Cmd": ["serve"]},
    "HostConfig": {"Memory": 64 << 20, "PortBindings": {"80/tcp": [{"HostPort": "8080"}]}},
    "Mounts": [
        {"Type": "bind", "Source": "/srv/data", "Destination": "/data", "RW": True},
        {"Type": "volume", "Name": "a" * 64, "Source": "/x/a", "Destination": "/tmp", "RW": True},
    ],
}


def again(second: dict[str, Any], *, inspected: bool = True) -> list[Event]:
    """The events once ``web`` is a container of ``second`` instead of ``FIRST``."""
    facts: dict[str, Inspected] = {"1": read_inspection(FIRST)}
    making = Making()
    assert list(making.observe([replica("web", id="1")], facts.get, 100)) == []
    if inspected:
        facts["2"] = read_inspection(second)
    return list(making.observe([replica("web", id="2", started_at=109.0)], facts.get, 110))


def with_env(*env: str) -> dict[str, Any]:
    return {**FIRST, "Config": {**FIRST["Config"], "Env": list(env)}}


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (with_env("MODE=full", "EMPTY="), "re-created: env LLM_URL removed"),
        (
            with_env(f"LLM_URL={SECRET}", "MODE=reduced", "EMPTY=", "NEW=1"),
            "re-created: env NEW added, env MODE changed",
        ),
        ({**FIRST, "Mounts": FIRST["Mounts"][1:]}, "re-created: mount /data removed"),
        (
            {**FIRST, "Config": {**FIRST["Config"], "Cmd": ["serve", "--token", SECRET]}},
            "re-created: command changed",
        ),
        ({**FIRST, "HostConfig": {"Memory": 32 << 20}},
         "re-created: ports removed, memory limit changed"),
        (
            with_env(f"LLM_URL={SECRET}", "MODE=full", "EMPTY=", *(f"N{n}=1" for n in range(9))),
            "re-created: env N0 added, env N1 added, env N2 added, env N3 added, env N4 added, "
            "env N5 added, 3 more added",
        ),
    ],
)  # fmt: skip
def test_what_is_another_is_named_and_never_its_value(second: dict[str, Any], said: str) -> None:
    (event,) = again(second)
    assert (event.kind, event.at, event.subject) == (EventKind.CONTAINER, 109.0, "web")
    assert words(event) == said
    assert "hunter2" not in repr(event)


def test_the_same_parts_again_are_no_event() -> None:
    second = copy.deepcopy(FIRST)
    second["Mounts"][1] |= {"Name": "b" * 64, "Source": "/x/b"}
    second["Config"]["Env"].reverse()
    assert again(second) == []


def test_one_that_is_not_inspected_yet_waits() -> None:
    assert again(with_env(), inspected=False) == []


@pytest.mark.parametrize(
    "root", [{}, {"Config": {"Env": "x"}, "Mounts": 3}, {"Config": {"Env": [1, None]}}, []]
)
def test_a_strange_answer_has_no_parts(root: object) -> None:
    assert read_inspection(root).made_of == {}


def test_no_mark_gives_its_value_away() -> None:
    assert "hunter2" not in repr(read_inspection(FIRST))
    other = read_inspection(with_env("MODE=full")).made_of["env MODE"]
    assert other == read_inspection(FIRST).made_of["env MODE"]
