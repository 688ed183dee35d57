"""Each setting that may be read again while the engine runs, and who must feel it.

A setting without a row fails. What operations feel is shown by the same kind of table in
``tests/operations/test_operator_reload.py``; what waits for another start is in
``config.changes.AT_START_ONLY``.
"""

import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from opsconsole.config.changes import AT_START_ONLY
from opsconsole.config.display import Display, Wall
from opsconsole.config.hosts import HostSettings
from opsconsole.config.services import Instance, Service
from opsconsole.config.settings import (
    Alertmanager,
    Defaults,
    Docker,
    Environment,
    Operations,
    Prometheus,
    Recording,
    Settings,
)
from opsconsole.engine.desks.page_book import addresses_of
from opsconsole.engine.engine import Engine
from opsconsole.engine.records.fleet import ServiceRecord
from opsconsole.model.snapshot import ServiceView, Snapshot
from tests.named import named

OPERATIONS = "what plans and performs"
PEOPLE = "those who read the file"

ELSEWHERE = {
    **dict.fromkeys(AT_START_ONLY, "another start"),
    "operations": OPERATIONS,
    "environments": OPERATIONS,
    "discover": "what is found, as tests/engine/test_discovering.py has it",
    "services.environment": OPERATIONS,
    "services.instances.pid_file": OPERATIONS,
    "services.description": PEOPLE,
    "services.host": OPERATIONS,
    "services.instances.host": OPERATIONS,
}
"""What nothing of a running engine feels, with who does. A key stands for all below it."""

SERVER = "http://127.0.0.1:1"
QUEUE = {"queue": {"counter": "queue_total"}}
GOOD = ["availability 99.9% over 30d"]
RUNBOOK = "title: TITLE\nsteps: [{id: look, text: look}]\n"

Felt = Callable[[Engine], object]


# ---- who feels ----


def shown(of: Callable[[Snapshot], object]) -> Felt:
    """What reads the snapshot."""

    def look(engine: Engine) -> object:
        engine._publish()
        return of(engine.latest)

    return look


def row(of: Callable[[ServiceView], object]) -> Felt:
    """What reads the row of ``api``."""
    return shown(lambda it: [of(each) for each in it.services if each.name == "api"])


def record(of: Callable[[ServiceRecord], object]) -> Felt:
    """What judges ``api``."""
    return lambda engine: of(engine._store.services["api"])


def source(which: str) -> Felt:
    """What looks: a source that is to look otherwise is another object."""
    return lambda engine: [each for each in engine._sources if each.id == named(which)]


def sources(engine: Engine) -> object:
    """Which sources there are."""
    return {str(each.id) for each in engine._sources}


def pages(engine: Engine) -> object:
    """What opens the pages of ``api``."""
    settings = engine._pages._settings
    return list(addresses_of(settings, "api", settings.services["api"]))


def units(engine: Engine) -> object:
    """What looks at the units of ``api``."""
    return list(engine._units._declared("api"))


def logs(engine: Engine) -> object:
    """What opens the logs of ``api``."""
    followed = engine._logs._want("api")
    engine._logs._unwant("api", followed)
    return [each.intake.ring.source for each in followed.logs]


def limits(each: ServiceRecord) -> object:
    return each.instances[0].probes[0].limits


# ---- what is said ----


def service(**more: Any) -> dict[str, Any]:
    """``api`` with more said of it."""
    return {"services": {"api": {"instances": [SERVER], **more}, "db": {}}}


def one(**more: Any) -> dict[str, Any]:
    """``api`` with more said of its one instance."""
    return service(instances=[{"url": SERVER, **more}])


def place(key: str, **more: Any) -> dict[str, Any]:
    """A server or an engine with more said of it."""
    return {key: [{**({} if key == "docker" else {"url": SERVER}), **more}]}


def remedies(engine: Engine) -> object:
    """The remedies that are shown."""
    automation = engine._automation.automation
    return [] if automation is None else automation.rules


def maintained(engine: Engine) -> object:
    """What is worked on by the hours of the configuration."""
    return [each.id for each in engine._automation.going_on]


@dataclass(frozen=True)
class Row:
    """Who feels it, and what the file says first and then."""

    felt: Felt
    then: Mapping[str, Any]
    first: Mapping[str, Any] = field(default_factory=service)


HEALTH = source("probe:api/api:health")
SCRAPE = source("scrape:api/api")
PROMETHEUS = source("prometheus:prometheus")
ALERTMANAGER = source("alertmanager:alertmanager")
DOCKER = source("docker:docker")
CLUSTER = source("kubernetes:kubernetes")
HOST = source("host:local")
OWN = {"metrics": QUEUE, "prometheus": "none"}
PROXY = {"proxy_from_environment": True}
SERVED = {**place("prometheus"), **service(objectives=GOOD)}
RULE = {"name": "Odd", "when": "state == unknown"}
STRICT = {"failures": 9, "successes": 9}
LOGS = [{"file": "api.log"}]
RESTARTS = service(actions={"restart": {"command": ["true"]}})
REMEDY = {"remedies": [{"when": "state == down", "service": "api", "action": "restart"}]}


def _of_server(key: str, felt: Felt, **changes: Any) -> dict[str, Row]:
    return {
        f"{key}.{name}": Row(felt, place(key, **{name: value}), place(key))
        for name, value in changes.items()
    }


ROWS: dict[str, Row] = {
    "environment.name": Row(shown(lambda it: it.environment.name), {"environment": {"name": "x"}}),
    "environment.danger": Row(
        shown(lambda it: it.environment.danger), {"environment": {"danger": "high"}}
    ),
    **_of_server(
        "prometheus", PROMETHEUS, url="http://127.0.0.1:2", interval="9s", timeout="3s",
        rules_url="http://127.0.0.1:3", rule_files=["rules.yml"], http=PROXY,
    ),
    "prometheus.name": Row(sources, place("prometheus", name="x"), place("prometheus")),
    **_of_server(
        "alertmanager", ALERTMANAGER, url="http://127.0.0.1:2", interval="9s", timeout="3s",
        http=PROXY,
    ),
    "alertmanager.name": Row(sources, place("alertmanager", name="x"), place("alertmanager")),
    "always_firing": Row(
        lambda engine: engine._store.alerts._always._declared, {"always_firing": ["Watchdog"]}
    ),
    **_of_server(
        "docker", DOCKER, host="unix:///x.sock", context="x", interval="9s", timeout="3s",
        stats_interval="9s", tls="certs", enabled=False,
    ),
    "docker.name": Row(sources, place("docker", name="x"), place("docker")),
    "kubernetes": Row(CLUSTER, {"kubernetes": [{"context": "x"}]}, {"kubernetes": [{}]}),
    "host.enabled": Row(sources, {"host": {"enabled": True}}),
    **{
        f"host.{name}": Row(HOST, {"host": {name: value}}, {"host": {}})
        for name, value in {"interval": "9s", "disks": ["/x"], "processes": 1}.items()
    },
    "hosts": Row(sources, {"hosts": {"app-1": {}}}),
    "defaults.interval": Row(HEALTH, {"defaults": {"interval": "9s"}, **service()}),
    "defaults.timeout": Row(HEALTH, {"defaults": {"timeout": "1s"}, **service()}),
    "defaults.thresholds": Row(record(limits), {"defaults": {"thresholds": STRICT}, **service()}),
    "services.instances.url": Row(HEALTH, service(instances=["http://127.0.0.1:2"])),
    "services.instances.name": Row(row(lambda it: it.instances[0].name), one(name="x")),
    "services.instances.container": Row(record(lambda it: it.wanted), one(container="x")),
    "services.instances.engine": Row(
        record(lambda it: it.wanted),
        {**place("docker", name="e"), **one(container="x", engine="e")},
        one(container="x"),
    ),
    "services.instances.unit": Row(units, one(unit="x")),
    "services.group": Row(row(lambda it: it.group), service(group="x")),
    "services.team": Row(row(lambda it: it.team), service(team="x")),
    "services.prometheus": Row(
        sources,
        {**place("prometheus"), **service(**OWN)},
        {**place("prometheus"), **service(metrics=QUEUE)},
    ),
    "services.interval": Row(HEALTH, service(interval="9s")),
    "services.timeout": Row(HEALTH, service(timeout="1s")),
    "services.thresholds": Row(record(limits), service(thresholds=STRICT)),
    "services.health": Row(HEALTH, service(health="/x")),
    "services.probes": Row(sources, service(probes={"live": "/live"})),
    "services.http": Row(HEALTH, service(http=PROXY)),
    "services.depends_on": Row(row(lambda it: it.depends_on), service(depends_on=["db"])),
    "services.kubernetes": Row(
        record(lambda it: it.wanted),
        {"kubernetes": [{}], **service(kubernetes=["deployment/x"])},
        {"kubernetes": [{}], **service()},
    ),
    "services.units": Row(record(lambda it: it.wanted), service(units=["x"])),
    "services.containers": Row(record(lambda it: it.wanted), service(containers=["x"])),
    "services.engine": Row(
        record(lambda it: it.wanted),
        {**place("docker", name="e"), **service(containers=["x"], engine="e")},
        service(containers=["x"]),
    ),
    "services.job": Row(
        PROMETHEUS, {**place("prometheus"), **service(job="x")}, place("prometheus")
    ),
    "services.metrics_path": Row(SCRAPE, service(metrics_path="/x", **OWN), service(**OWN)),
    "services.labels": Row(
        SCRAPE,
        service(metrics={"n": {"gauge": "n"}}, labels={"a": "b"}, prometheus="none"),
        service(metrics={"n": {"gauge": "n"}}, prometheus="none"),
    ),
    "services.metrics": Row(
        SCRAPE, service(metrics={"n": {"gauge": "n"}}, prometheus="none"), service(**OWN)
    ),
    "services.availability": Row(
        sources, {**place("prometheus"), **service(objectives=GOOD, availability={"gauge": "up"})},
        SERVED,
    ),
    "services.objectives": Row(
        row(lambda it: [each.objective for each in it.objectives]), service(objectives=GOOD)
    ),
    "services.alerts": Row(
        shown(lambda it: [each.name for each in it.alerts]), service(alerts=[RULE])
    ),
    "services.logs": Row(logs, service(logs=LOGS)),
    "services.endpoints": Row(pages, service(endpoints={"info": "/info"})),
    "services.actions": Row(
        record(lambda it: it.acts), service(actions={"restart": {"command": ["true"]}})
    ),
    "services.scaling": Row(record(lambda it: it.scaling is None), service(scaling={"cpu": 0.5})),
    "services.runbooks": Row(
        shown(lambda it: [each.services for each in it.runbooks]), service(runbooks=["restore"])
    ),
    "remedies": Row(remedies, {**REMEDY, **RESTARTS}, RESTARTS),
    "automation": Row(
        remedies, {**REMEDY, **RESTARTS, "automation": {"enabled": False}}, {**REMEDY, **RESTARTS}
    ),
    "maintenance": Row(
        maintained, {"maintenance": [{"hours": "daily 00:00-24:00", "reason": "x"}]}
    ),
    "display.theme": Row(shown(lambda it: it.appearance), {"display": {"theme": "light"}}),
    "views": Row(shown(lambda it: it.appearance), {"views": {"red": {"failing": True}}}),
    "wall.enabled": Row(shown(lambda it: it.read_only), {"wall": {"enabled": True}}),
    "keys": Row(shown(lambda it: it.appearance), {"keys": {"restart": "ctrl+k"}}),
    "read_only": Row(shown(lambda it: it.read_only), {"read_only": True}),
    "runbooks": Row(
        shown(lambda it: [each.title for each in it.runbooks]), {"runbooks": "others", **service()}
    ),
}  # fmt: skip


# ---- the table is whole, and true ----


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field holds, alone or in a tuple or a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_in(part)


OPENED = {
    Environment, Prometheus, Alertmanager, Docker, HostSettings, Defaults, Service, Instance,
    Operations, Recording, Display, Wall,
}  # fmt: skip
"""Models whose keys have a row each; any other is one key, whatever is in it."""


def keys_of(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Every key of the file that needs a row."""
    for name, each in model.model_fields.items():
        key = f"{before}{each.alias or name}"
        inner = next(models_in(each.annotation), None)
        if inner in OPENED:
            yield from keys_of(inner, f"{key}.")
        else:
            yield key


KEYS = sorted(set(keys_of(Settings)))


def covered(key: str) -> bool:
    parts = key.split(".")
    above = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return key in ROWS or bool(above & ELSEWHERE.keys())


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_has_a_row(key: str) -> None:
    assert covered(key), f"who feels {key} when the configuration is read again?"


def test_the_table_has_no_row_of_a_setting_that_is_gone() -> None:
    assert ROWS.keys() <= set(KEYS)
    assert all(any(key == each or key.startswith(f"{each}.") for key in KEYS) for each in ELSEWHERE)


def settings(said: Mapping[str, Any]) -> Settings:
    quiet = {"docker": [], "host": {"enabled": False}, "services": {"api": {}}}
    return Settings.model_validate({**quiet, **said})


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for folder in ("runbooks", "others"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "restore.yaml").write_text(RUNBOOK.replace("TITLE", folder))
    (tmp_path / "api.log").touch()
    return tmp_path


@pytest.mark.parametrize("key", ROWS)
async def test_it_is_felt_at_once_and_by_nothing_if_it_did_not_change(key: str, base: Path) -> None:
    each = ROWS[key]
    engine = Engine(settings(each.first), base=base)

    async def felt() -> object:
        await engine._follow_runbooks()
        await engine._follow_automation()
        return each.felt(engine)

    async with AsyncExitStack() as cleanup:
        engine._open(cleanup)
        cleanup.callback(engine._logs.close)
        cleanup.push_async_callback(engine._runbooks.close)
        before = await felt()
        await engine._use(settings(each.first), engine._clock.now())
        assert await felt() == before
        await engine._use(settings(each.then), engine._clock.now())
        assert await felt() != before
