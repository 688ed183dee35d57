"""Which containers an action is about: by name, by Compose service, and never by chance."""

from opsconsole.demo.docker_engine import Engine
from opsconsole.model.operation import ActionKind, ActionRequest, Plan, Refusal
from tests.operations.place import Place


def labels(project: str, service: str, **more: str) -> dict[str, str]:
    given = {"project": project, "service": service, **more}
    return {f"com.docker.compose.{key}": value for key, value in given.items()}


async def targets(place: Place, engine: Engine, name: str) -> list[str] | str:
    """The containers that a restart of what is called ``name`` would be of, or why of none."""
    place.write(
        f"""
docker: {{host: "{engine.url}"}}
services:
  web:
    containers: [{name}]
    actions: {{restart: {{docker: {{stop_timeout: 1s}}}}}}
"""
    )
    answer = await place.operator().plan(ActionRequest("web", ActionKind.RESTART, reason="x"), None)
    if isinstance(answer, Refusal):
        return str(answer)
    assert isinstance(answer, Plan)
    return sorted(answer.fingerprint["containers"].split(", "))


async def test_a_compose_service_is_all_of_its_copies_in_one_project(
    docker_sandbox: Engine, place: Place
) -> None:
    owner = docker_sandbox.owner
    shop, blog = f"shop{owner}", f"blog{owner}"
    for name, given in {
        f"{shop}-api-1": labels(shop, f"api{owner}"),
        f"{shop}-api-2": labels(shop, f"api{owner}"),
        f"{shop}-api-run-1": labels(shop, f"api{owner}", oneoff="True"),
        f"{blog}-api-1": labels(blog, f"api{owner}"),
    }.items():
        docker_sandbox.run(name, labels=given)
    both = [f"{shop}-api-1", f"{shop}-api-2"]
    assert await targets(place, docker_sandbox, f"{shop}/api{owner}") == both
    assert await targets(place, docker_sandbox, f"{blog}/api{owner}") == [f"{blog}-api-1"]
    assert await targets(place, docker_sandbox, f"{blog}-api-1") == [f"{blog}-api-1"]
    refused = await targets(place, docker_sandbox, f"api{owner}")
    assert f"may be {blog}/api{owner} or {shop}/api{owner}" in refused
    assert "there is no container nothing" in await targets(place, docker_sandbox, "nothing")
