"""Metrics whose series are of other services too."""

from typing import Any

import pytest

from opsconsole.config.services import Service
from opsconsole.inspection.selection import check_selection, shared_figures
from opsconsole.sources.metrics.budget_series import budget_series
from opsconsole.sources.metrics.declared import declared_metrics
from opsconsole.sources.prometheus.series_index import SeriesIndex


class Known:
    """A Prometheus that has ``targets``."""

    endpoint = "http://p"

    def __init__(self, *targets: tuple[str, str]) -> None:
        self.targets = targets

    async def get(self, path: str, params: dict[str, str]) -> Any:
        assert path == "/api/v1/query"
        result = [{"metric": {"job": job, "instance": at}} for job, at in self.targets]
        return {"status": "success", "data": {"resultType": "vector", "result": result}}


def service(**more: Any) -> Service:
    return Service.model_validate({"metrics": {"requests": {"counter": "r_total"}}, **more})


def index(*targets: tuple[str, str]) -> SeriesIndex:
    return SeriesIndex(Known(*targets))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("instances", "targets", "remedy"),
    [
        ([], [("web", "a:80"), ("api", "b:80")], "services.api.labels: {job: api}"),
        (["http://b:80"], [("web", "a:80"), ("backend", "b:80")], "labels: {job: backend}"),
        (["http://b:80"], [("all", "a:80"), ("all", "b:80")], "labels: {instance: 'b:80'}"),
        ([], [("x", "a:80"), ("y", "b:80")], "{job: …}"),
        (["http://a", "http://b"], [("x", "a:80"), ("x", "b:80")], None),
        ([], [("x", "a:80"), ("x", "b:80")], None),
        (["http://a"], [("x", "a:80")], None),
    ],
)
async def test_a_label_is_suggested_where_series_of_others_are_read(
    instances: list[str], targets: list[tuple[str, str]], remedy: str | None
) -> None:
    api = service(instances=instances)
    found = await check_selection(api, declared_metrics("api", api), index(*targets))
    if remedy is None:
        assert found == []
    else:
        (finding,) = found
        assert finding.path == ("services", "api", "metrics", "requests")
        assert remedy in finding.remedy


def test_a_figure_of_several_services_is_found_at_each_of_them() -> None:
    names = ["a", "b", "c"]
    plain = {name: declared_metrics(name, service()) for name in names}
    assert [finding.path[1] for finding in shared_figures(plain)] == names
    apart = {name: declared_metrics(name, service(labels={"job": name})) for name in names}
    assert shared_figures(apart) == []
    twice = service(metrics={"r": {"counter": "r_total"}, "s": {"counter": "r_total"}})
    assert shared_figures({"a": declared_metrics("a", twice)}) == [], "of one service it may be"


def test_labels_of_a_service_are_those_of_all_of_its_series() -> None:
    api = service(
        labels={"job": "api", "env": "prod"},
        metrics={
            "requests": {"counter": "r_total"},
            "latency": {"histogram": "l", "labels": {"env": "test"}},
            "query": {"promql": "sum(x)"},
        },
        availability={"gauge": "up"},
        objectives=["availability 99% over 1d"],
    )
    labels = {each.name: dict(each.labels) for each in declared_metrics("api", api)}
    assert labels == {
        "requests": {"job": "api", "env": "prod"},
        "latency": {"job": "api", "env": "test"},
        "query": {},
    }
    (budget,) = budget_series("api", api)
    assert dict(budget.labels) == {"job": "api", "env": "prod"}
