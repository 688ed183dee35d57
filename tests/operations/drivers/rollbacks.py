"""The usual ways through a rollback of containers."""

from collections.abc import Mapping
from typing import Any

from opsconsole.demo.docker_engine import LABEL, Engine
from opsconsole.model.operation import ActionKind, ActionRequest, Operation, Plan
from tests.operations.place import Place, ended, performed, planned


def config_of(engine: Engine, name: str, image: str = "", deadline: str = "20s") -> str:
    """A service ``web`` that rolls the container ``name`` back."""
    return f"""
docker: {{host: "{engine.url}"}}
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      rollback:
        docker: {{containers: [{name}], stop_timeout: 1s{f", image: '{image}'" if image else ""}}}
        min_healthy: 500ms
        deadline: {deadline}
"""


def name_of(engine: Engine, word: str) -> str:
    """A container's name that is the test's own."""
    return f"{word}-{engine.owner}"


def inspected(engine: Engine, name: str) -> Mapping[str, Any]:
    """All that an inspect says."""
    found: Mapping[str, Any] = engine.client().containers.get(name).attrs
    return found


def names_on(engine: Engine) -> set[str]:
    """The names of the test's own containers."""
    mine: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={engine.owner}"}
    return {str(each.name) for each in engine.client().containers.list(all=True, filters=mine)}


def rollback_request() -> ActionRequest:
    """A rollback of ``web``."""
    return ActionRequest("web", ActionKind.ROLLBACK, reason="a test")


async def rolled_back(place: Place) -> tuple[Plan, Operation]:
    """One rollback from plan to verdict."""
    operator = place.operator()
    plan = await planned(operator, rollback_request())
    return plan, await ended(operator, (await performed(operator, plan)).id)
