"""Found services on a real engine: looked for, planned, carried out by the runner, judged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.loader import default_settings
from opsconsole.config.settings import Settings
from opsconsole.demo.docker_engine import Engine
from opsconsole.discovery.look import look
from opsconsole.engine.engine import Engine as Console
from opsconsole.model.operation import ActionKind, ActionRequest, Confirmation, OperationState
from opsconsole.model.state import State
from opsconsole.operations.operator import Operator
from opsconsole.operations.state_place import FolderPlace
from tests.operations.place import ended, performed, planned, refused

pytestmark = pytest.mark.usefixtures("nothing_configured")


@pytest.fixture
def nothing_configured(docker_sandbox: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_sandbox.url)


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    made = Operator(
        default_settings(),
        base=tmp_path,
        clock=SystemClock(),
        read_only=False,
        state=FolderPlace(tmp_path / "state"),
    )
    yield made
    made.close()


def compose(engine: Engine, number: int, service: str = "web") -> str:
    """A container as Compose makes it; the project is the sandbox's own."""
    project = f"shop{engine.owner}"
    name = f"{project}-{service}-{number}"
    labels = {
        "com.docker.compose.project": project,
        "com.docker.compose.service": service,
        "com.docker.compose.container-number": str(number),
    }
    engine.run(name, labels=labels)
    return name


def started(engine: Engine, name: str) -> str:
    found: str = engine.client().containers.get(name).attrs["State"]["StartedAt"]
    return found


def found(settings: Settings) -> dict[str, tuple[str, ...]]:
    return {name: each.containers for name, each in look(settings).settings.services.items()}


async def test_a_project_is_restarted_without_any_configuration(
    docker_sandbox: Engine, operator: Operator
) -> None:
    names = [compose(docker_sandbox, number) for number in (1, 2)]
    project = f"shop{docker_sandbox.owner}"
    service = f"{project}-web"
    assert found(default_settings())[service] == (f"{project}/web",)
    before = [started(docker_sandbox, name) for name in names]
    plan = await planned(operator, ActionRequest(service, ActionKind.RESTART))
    assert sorted(step.target for step in plan.steps) == sorted(
        str(docker_sandbox.client().containers.get(name).id) for name in names
    )
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.VERIFIED, operation
    after = [started(docker_sandbox, name) for name in names]
    assert all(old != new for old, new in zip(before, after, strict=True))


async def test_one_copy_alone(docker_sandbox: Engine, operator: Operator) -> None:
    names = [compose(docker_sandbox, number) for number in (1, 2)]
    request = ActionRequest(
        f"shop{docker_sandbox.owner}-web", ActionKind.RESTART, parameters={"instance": names[1]}
    )
    plan = await planned(operator, request)
    assert [step.target for step in plan.steps] == [
        docker_sandbox.client().containers.get(names[1]).id
    ]
    nobody = ActionRequest(request.service, request.kind, parameters={"instance": "nobody"})
    assert refused(await operator.plan(nobody, None)) == "cannot-look"


async def test_what_is_gone_or_labelled_since_the_plan_is_refused_by_the_runner(
    docker_sandbox: Engine, operator: Operator
) -> None:
    name = f"lone-{docker_sandbox.owner}"
    docker_sandbox.run(name)
    plan = await planned(operator, ActionRequest(name, ActionKind.RESTART))
    docker_sandbox.client().containers.get(name).remove(force=True)
    docker_sandbox.run(name, labels={"io.opsconsole.actions": "none"})
    begun = await operator.perform(plan, Confirmation(typed=name, reason="a test"))
    assert refused(begun) == "not-declared"


async def test_an_engine_that_does_not_answer_is_named(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    refusal = await operator.plan(ActionRequest("web", ActionKind.RESTART), None)
    assert refused(refusal) == "cannot-look"
    assert "docker does not answer" in str(refusal)


def test_the_first_look_judges_what_it_finds(docker_sandbox: Engine, tmp_path: Path) -> None:
    name = compose(docker_sandbox, 1)
    docker_sandbox.run(f"done-{docker_sandbox.owner}", command=["true"])
    failed = docker_sandbox.run(f"failed-{docker_sandbox.owner}", command=["sh", "-c", "exit 3"])
    failed.wait()
    snapshot = Console(default_settings(), base=tmp_path).look_once()
    mine = {each.name: each for each in snapshot.services if docker_sandbox.owner in each.name}
    assert {name: each.state for name, each in mine.items()} == {
        f"shop{docker_sandbox.owner}-web": State.OK,
        f"failed-{docker_sandbox.owner}": State.DOWN,
    }
    assert [each.name for each in mine[f"shop{docker_sandbox.owner}-web"].instances] == [name]
