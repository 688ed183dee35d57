"""Declared and found services as one settings value."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.effective import FoundService, effective
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.model.origin import DECLARED, Origin
from opsconsole.model.source_id import SourceId
from tests.named import named

EDGE, OTHER = named("docker:edge"), named("prometheus:main")
HERE, THERE = "http://10.0.0.1:8000", "http://10.0.0.2:8000"
BY_EDGE = Origin(declared=False, found_by=EDGE, evidence="its label")


def declared(services: dict[str, Any], **more: Any) -> Settings:
    return Settings.model_validate({"docker": {"name": "edge"}, "services": services, **more})


def found(name: str, by: SourceId = EDGE, **service: Any) -> FoundService:
    return FoundService(name, Service.model_validate(service), by, "its label")


def test_what_is_declared_alone_is_as_it_was() -> None:
    settings = declared({"api": {"instances": [HERE]}})
    assert effective(settings, ()).settings == settings
    assert settings.services["api"].origin == DECLARED
    assert settings.services["api"].instances[0].origin == DECLARED


def test_a_service_that_was_found_says_by_whom_and_why() -> None:
    made = effective(declared({"api": {}}), [found("web", instances=[HERE])]).settings
    assert list(made.services) == ["api", "web"]
    assert made.services["web"].origin == BY_EDGE
    assert made.services["web"].instances[0].origin == BY_EDGE
    assert made.services["api"].origin == DECLARED


def test_what_is_declared_wins_key_by_key() -> None:
    settings = declared({"api": {"instances": [HERE], "group": "mine"}})
    more = found("api", instances=[THERE], group="theirs", containers=["api-1"])
    api = effective(settings, [more]).settings.services["api"]
    assert [each.url for each in api.instances] == [HERE]
    assert (api.group, api.containers) == ("mine", ("api-1",))
    assert api.origin == Origin(declared=True, found_by=EDGE, evidence="its label")
    assert api.instances[0].origin == DECLARED


def test_an_instance_that_was_found_of_a_declared_service_says_so() -> None:
    api = effective(declared({"api": {"group": "x"}}), [found("api", instances=[HERE])])
    (instance,) = api.settings.services["api"].instances
    assert instance.origin == BY_EDGE
    assert api.settings.services["api"].origin.declared


def test_even_an_empty_list_that_is_declared_wins() -> None:
    api = effective(declared({"api": {"instances": []}}), [found("api", instances=[HERE])])
    assert api.settings.services["api"].instances == ()


def test_of_two_who_found_the_same_the_first_is_believed() -> None:
    one = found("web", instances=[HERE])
    two = found("web", OTHER, instances=[THERE], group="shop")
    web = effective(declared({}), [one, two]).settings.services["web"]
    assert ([each.url for each in web.instances], web.group) == ([HERE], "shop")
    assert web.origin == BY_EDGE


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (found("web", engine="nowhere"), "no engine is called 'nowhere'"),
        (found("web", depends_on=["nobody"]), "nobody"),
        (found("web", prometheus="nowhere"), "no prometheus is called 'nowhere'"),
        (found("web", instances=[{"url": THERE, "name": "api-1"}]), "api-1"),
    ],
)
def test_what_does_not_fit_is_left_out_and_told(wrong: FoundService, why: str) -> None:
    settings = declared({"api": {"instances": [{"url": HERE, "name": "api-1"}]}})
    made = effective(settings, [wrong, found("good", instances=["http://10.0.0.3"])])
    assert list(made.settings.services) == ["api", "good"]
    assert list(made.left_out) == ["web"]
    assert why in made.left_out["web"]


def test_a_circle_through_what_was_found_leaves_the_declared_ones() -> None:
    settings = declared({"api": {"depends_on": ["db"]}, "db": {}})
    made = effective(settings, [found("db", depends_on=["api"])])
    assert made.settings == settings
    assert list(made.left_out) == ["db"]


@given(st.sets(st.sampled_from(["api", "db", "web"])), st.sets(st.sampled_from(["api", "web"])))
def test_no_declared_key_is_ever_changed(mine: set[str], theirs: set[str]) -> None:
    settings = declared({name: {"group": "mine"} for name in sorted(mine)})
    said = [found(name, group="theirs", description="found") for name in sorted(theirs)]
    made = effective(settings, said).settings
    assert set(made.services) == mine | theirs
    for name, service in made.services.items():
        assert service.group == ("mine" if name in mine else "theirs")
        assert service.origin.declared is (name in mine)
