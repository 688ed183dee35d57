"""Which containers an action is about: by name, by Compose service, and never by chance."""

import pytest

from opsconsole.demo.docker_engine import Engine
from opsconsole.model.operation import ActionKind, ActionRequest, Plan, Refusal
from tests.operations.place import Place, planned


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


DECLARED = {
    "an instance for each Compose service, named again in the action":
        ("instances: [{{url: 'http://127.0.0.1:1', container: {a}}},"
         " {{url: 'http://127.0.0.1:2', container: {b}}}]", "containers: [{a}, {b}]"),
    "an instance for each Compose service":
        ("instances: [{{url: 'http://127.0.0.1:1', container: {a}}},"
         " {{url: 'http://127.0.0.1:2', container: {shop}/{b}}}]", ""),
    "the copies of one Compose service": ("containers: [{c}]", ""),
    "one address before the copies of a Compose service":
        ("instances: [{{url: 'http://127.0.0.1:1', container: {c}}}]", ""),
}  # fmt: skip
MEANT = {
    "an instance for each Compose service, named again in the action":
        {"web-2": ["b-1"], "{b}": ["b-1"], "{shop}-b-1": ["b-1"]},
    "an instance for each Compose service": {"web-1": ["a-1"], "web-2": ["b-1"]},
    "the copies of one Compose service":
        {"{shop}-c-2": ["c-2"], "{c}": ["c-1", "c-2"], "{shop}/{c}": ["c-1", "c-2"]},
    "one address before the copies of a Compose service":
        {"{shop}-c-2": ["c-2"], "web": ["c-1", "c-2"]},
}  # fmt: skip


@pytest.mark.parametrize("how", DECLARED)
async def test_a_copy_is_meant_by_every_name_that_a_screen_shows_it_under(
    how: str, docker_sandbox: Engine, place: Place
) -> None:
    owner = docker_sandbox.owner
    names = {"shop": f"shop{owner}", **{each: f"{each}{owner}" for each in "abc"}}
    for each in ("a-1", "b-1", "c-1", "c-2"):
        given = labels(names["shop"], names[each[0]])
        docker_sandbox.run(f"{names['shop']}-{each}", labels=given)
    service, action = (each.format(**names) for each in DECLARED[how])
    place.write(f"""
docker: {{host: "{docker_sandbox.url}"}}
services:
  web:
    {service}
    actions: {{restart: {{docker: {{stop_timeout: 1s, {action}}}}}}}
""")
    operator = place.operator()
    for written, meant in MEANT[how].items():
        asked = {"instance": written.format(**names)}
        plan = await planned(operator, ActionRequest("web", ActionKind.RESTART, parameters=asked))
        found = plan.fingerprint["containers"].split(", ")
        assert found == [f"{names['shop']}-{each}" for each in meant], written
    usual = ActionRequest("web", ActionKind.RESTART, parameters={"copies": "usual"})
    shown = [copy.name for copy in (await planned(operator, usual)).copies]
    assert len(set(shown)) == len(shown) == 2, "each copy has a name of its own"
    for name in shown:
        asked = {"instance": name}
        plan = await planned(operator, ActionRequest("web", ActionKind.RESTART, parameters=asked))
        assert len(plan.steps) == 1
