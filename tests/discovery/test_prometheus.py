"""The targets of a Prometheus read as services: names, filters, what is declared."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.actions import Actions
from opsconsole.config.effective import effective
from opsconsole.config.loader import load
from opsconsole.config.settings import Settings
from opsconsole.discovery.prometheus import read
from opsconsole.errors import ConfigError
from opsconsole.model.running.targets import Target
from opsconsole.model.state import State

URL = "http://127.0.0.1:9090"


def target(job: str, name: str = "a:1", labels: Mapping[str, str] | None = None) -> Target:
    return Target(job, name, "", State.OK, "", 0.0, 15.0, labels or {})


def declared(rules: object = True, **more: Any) -> Settings:
    return Settings.model_validate(
        {"prometheus": {"url": URL}, "discover": {"prometheus": rules}, **more}
    )


def names(settings: Settings, *targets: Target, server: str = "prometheus") -> list[str]:
    return [each.found.name for each in read(settings, server, targets)]


def test_a_job_is_a_service_of_which_nothing_is_said_but_who_it_is() -> None:
    (found,) = read(declared(), "prometheus", [target("web"), target("web", "b:1")])
    service = found.found.service
    assert (found.found.name, found.found.evidence) == ("web", "job web of prometheus")
    assert (service.job, service.labels) == ("web", {"job": "web"})
    assert service.actions == Actions()
    assert service.model_fields_set == {"job", "labels", "prometheus"}


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        (True, ["api", "db", "web"]),
        ({"jobs": "web"}, ["web"]),
        ({"jobs": ["w*", "d?"]}, ["db", "web"]),
        ({"labels": "team=shop"}, ["api", "web"]),
        ({"labels": ["team", "zone=1"]}, ["web"]),
        (None, []),
    ],
)
def test_rules_leave_out(rules: object, found: list[str]) -> None:
    targets = (
        target("web", "a", {"team": "shop"}),
        target("web", "b", {"team": "shop", "zone": "1"}),
        target("api", "c", {"team": "shop"}),
        target("db"),
    )
    assert names(declared(rules), *targets) == found


@pytest.mark.parametrize(
    ("mine", "found"),
    [
        ({"web": {}}, ["web"]),
        ({"web": {"job": "web"}}, ["web"]),
        ({"web": {"job": "other"}}, ["web.job"]),
        ({"front": {"job": "web"}}, []),
        ({"web": {"prometheus": "none"}}, ["web.job"]),
        ({"web": {"job": "other"}, "web.job": {"job": "more"}}, []),
    ],
)
def test_what_is_declared_is_not_found_a_second_time(mine: Any, found: list[str]) -> None:
    assert names(declared(services=mine), target("web")) == found


@pytest.mark.parametrize(
    ("mine", "labels"),
    [
        ({}, {"job": "web"}),
        ({"labels": {"team": "shop"}}, {"team": "shop"}),
        ({"metrics": {"n": {"gauge": "n"}}}, {}),
        ({"availability": {"gauge": "up"}}, {}),
    ],
)
def test_what_is_declared_wins_and_its_series_are_its_own(mine: Any, labels: Any) -> None:
    settings = declared(services={"web": mine})
    found = [each.found for each in read(settings, "prometheus", [target("web")])]
    web = effective(settings, found).settings.services["web"]
    assert (web.job, web.labels) == ("web", labels)
    assert web.prometheus is None


def test_a_name_says_the_server_where_there_are_several() -> None:
    two = [{"url": URL, "name": "eu"}, {"url": URL, "name": "us"}]
    settings = declared(prometheus=two)
    assert names(settings, target("web"), server="us") == ["web-us"]
    # One that is declared is of the first server, and so not of this one.
    mine = declared(prometheus=two, services={"web-us": {}})
    assert names(mine, target("web"), server="us") == ["web-us.job"]


def test_names_that_look_alike_stay_two() -> None:
    assert names(declared(), target("a b"), target("a-b")) == ["a-b", "a-b.job"]
    assert names(declared(), target("...")) == []


def test_jobs_need_a_prometheus(tmp_path: Any) -> None:
    path = tmp_path / "opsconsole.yaml"
    path.write_text("discover: {prometheus: true}\nservices: {}\n")
    with pytest.raises(ConfigError, match="no Prometheus is given"):
        load(path)


@given(st.lists(st.builds(target, st.text(max_size=80), st.text(max_size=9)), max_size=8))
def test_whatever_jobs_there_are_give_settings_that_are_valid(targets: list[Target]) -> None:
    settings = declared()
    found = read(settings, "prometheus", targets)
    assert found == read(settings, "prometheus", list(reversed(targets)))
    merged = effective(settings, [each.found for each in found])
    assert not merged.left_out
    assert list(merged.settings.services) == [each.found.name for each in found]
    again = Settings.model_validate(merged.settings.model_dump(mode="json", by_alias=True))
    assert again.services.keys() == merged.settings.services.keys()
