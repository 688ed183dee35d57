"""One malformed item of an answer costs itself, whatever is wrong with it: never the others."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.running.workloads import Place, PlaceKind
from opsconsole.sources.docker.containers import read_inspection, read_list
from opsconsole.sources.docker.stats import UsageBook, from_api
from opsconsole.sources.docker.workloads import read_services
from opsconsole.sources.health.figures import figures
from opsconsole.sources.prometheus.api_alerts import read_alertmanager, read_prometheus
from opsconsole.sources.prometheus.api_silences import read_silences
from opsconsole.sources.prometheus.promql import read_vector
from opsconsole.sources.prometheus.rule_answers import read_rules, read_samples
from tests.named import named

WHO = named("prometheus:main")
PLACE = Place(PlaceKind.ENGINE, "docker")
TIME = "2026-11-30T10:00:00.123456789Z"
LABELS = {"alertname": "Slow", "severity": "critical"}

ALERT = {
    "labels": LABELS,
    "annotations": {"summary": "slow"},
    "state": "firing",
    "activeAt": TIME,
    "value": "1e+00",
}
NOTIFIED = {
    "labels": LABELS,
    "annotations": {"summary": "slow"},
    "startsAt": TIME,
    "endsAt": TIME,
    "fingerprint": "0009bda7",
    "status": {"state": "active", "silencedBy": ["s"], "inhibitedBy": [], "mutedBy": []},
}
SILENCE = {
    "id": "s",
    "status": {"state": "active"},
    "matchers": [{"name": "a", "value": "b", "isRegex": False, "isEqual": True}],
    "createdBy": "kim",
    "comment": "c",
    "startsAt": TIME,
    "endsAt": TIME,
}
RULE = {
    "name": "Slow",
    "query": "vector(1)",
    "duration": 10,
    "keepFiringFor": 5,
    "health": "ok",
    "lastError": "",
    "state": "firing",
    "type": "alerting",
    "lastEvaluation": TIME,
}
SERIES = {"metric": {"__name__": "up", "job": "a"}, "value": [1700000000.123, "1"]}
CONTAINER = {
    "Id": "a" * 64,
    "Names": ["/web"],
    "Image": "web:1",
    "ImageID": "sha256:" + "b" * 64,
    "State": "running",
    "Status": "Up 2 hours (healthy)",
    "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}],
    "Labels": {"com.docker.compose.service": "web"},
}
SERVICE = {
    "ID": "s1",
    "Spec": {
        "Name": "web",
        "Mode": {"Replicated": {"Replicas": 2}},
        "TaskTemplate": {"ContainerSpec": {"Image": "web:1"}},
    },
    "ServiceStatus": {"RunningTasks": 1, "DesiredTasks": 2, "CompletedTasks": 0},
    "UpdateStatus": {"State": "completed", "Message": "done"},
}

READERS: dict[str, tuple[dict[str, Any], Callable[[list[Any]], int]]] = {
    "alerts of Prometheus": (
        ALERT,
        lambda items: len(
            read_prometheus({"status": "success", "data": {"alerts": items}}, WHO).alerts
        ),
    ),
    "alerts of Alertmanager": (NOTIFIED, lambda items: len(read_alertmanager(items, WHO).alerts)),
    "silences": (SILENCE, lambda items: len(read_silences(items, "main"))),
    "rules": (
        RULE,
        lambda items: len(read_rules({"data": {"groups": [{"name": "g", "rules": items}]}}, WHO)),
    ),
    "samples of rules": (SERIES, lambda items: len(read_samples({"data": {"result": items}}))),
    "vectors": (SERIES, lambda items: len(read_vector(items))),
    "containers": (CONTAINER, lambda items: len(read_list(items) or ())),
    "Swarm services": (SERVICE, lambda items: len(read_services(items, PLACE))),
}

HOSTILE: list[Any] = [
    None, True, -1, 0.5, 10**400, -(10**400), float("nan"), float("inf"), "", "x" * 9000, "\ud800",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", [], [[]], {}, {"a": {}}, [{}, 3],
]  # fmt: skip


def paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield before
    inner = dict(enumerate(value)) if isinstance(value, list) else value
    for key, item in inner.items() if isinstance(inner, dict) else ():
        yield from paths(item, (*before, key))


def spoilt(item: Any, path: tuple[Any, ...], by: Any) -> Any:
    """``item`` with something else at ``path``."""
    if not path:
        return by
    made = copy.deepcopy(item)
    at = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = by
    return made


@pytest.mark.parametrize("reader", READERS)
@given(data=st.data())
def test_a_malformed_item_costs_itself(reader: str, data: st.DataObject) -> None:
    good, count = READERS[reader]
    assert count([good]) == 1
    path = data.draw(st.sampled_from(list(paths(good))))
    bad = spoilt(good, path, data.draw(st.sampled_from(HOSTILE)))
    before, after = data.draw(st.booleans()), data.draw(st.booleans())
    items = [*([bad] if before else []), good, *([bad] if after else [])]
    assert count(items) >= 1


STATS = {
    "read": TIME,
    "cpu_stats": {"cpu_usage": {"total_usage": 5_000_000_000}},
    "memory_stats": {"usage": 1_000_000, "stats": {"inactive_file": 1000}},
}
INSPECTION = {
    "RestartCount": 2,
    "State": {"ExitCode": 0, "StartedAt": TIME, "FinishedAt": TIME, "Health": {"Log": [{}]}},
    "HostConfig": {"Memory": 1_000_000},
    "Config": {"Image": "web:1"},
}


@given(data=st.data())
def test_an_absurd_counter_costs_itself(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(paths(STATS))))
    usage = from_api(spoilt(STATS, path, data.draw(st.sampled_from(HOSTILE))))
    book, sound = UsageBook(), from_api(STATS)
    assert sound is not None
    for each in (sound, usage, sound):
        if each is not None:
            book.record("a", each, 1.0)
    assert book.share("a", 1.0, 10.0) is not None
    path = data.draw(st.sampled_from(list(paths(INSPECTION))))
    read_inspection(spoilt(INSPECTION, path, data.draw(st.sampled_from(HOSTILE))))


@given(st.sampled_from(HOSTILE))
def test_an_absurd_number_of_a_health_body_costs_itself(value: Any) -> None:
    assert figures({"uptime": value, "pool": {"used": 3}})["pool.used"] == 3.0
