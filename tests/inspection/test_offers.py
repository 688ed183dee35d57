"""What is offered: what runs and answers, less what is watched, named or covered already."""

from pathlib import Path

import pytest

from opsconsole.config.effective import FoundService
from opsconsole.config.loader import default_settings
from opsconsole.config.offers import Offer, ServerAround
from opsconsole.config.settings import Settings
from opsconsole.discovery import docker
from opsconsole.discovery.look import Fleet
from opsconsole.inspection import offers
from opsconsole.inspection.offers import offers_around
from opsconsole.model.running.workloads import Inventory
from opsconsole.model.source_id import SourceKind
from opsconsole.render.tray import written
from tests.workloads import inventory, replica

COMPOSE = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
SEEN = inventory(
    replica("shop-web-1", workload="shop/web", labels=COMPOSE),
    replica("db"),
    replica("cache"),
)
AROUND = (
    ServerAround(SourceKind.PROMETHEUS, "http://127.0.0.1:9090", "answers at its usual port 9090"),
    ServerAround(SourceKind.ALERTMANAGER, "http://127.0.0.1:9093", "answers at its usual port"),
)


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> None:
    """One engine and two servers that answer."""

    def look(declared: Settings, **_: object) -> Fleet:
        findings = docker.read(declared, SEEN, None)
        return Fleet(declared, findings=findings, inventories=(SEEN,))

    def around(_inventories: tuple[Inventory, ...], _within: float) -> tuple[ServerAround, ...]:
        return AROUND

    monkeypatch.setattr(offers, "look", look)
    monkeypatch.setattr(offers, "servers_around", around)


def offered(text: dict[str, object]) -> dict[str, Offer]:
    settings = Settings.model_validate(text)
    return {_name(each): each for each in offers_around(settings, Path.cwd(), 1.0)}


def _name(offer: Offer) -> str:
    what = offer.what
    return what.name if isinstance(what, FoundService) else what.kind.value


SERVERS = {"prometheus", "alertmanager"}


def test_what_runs_and_is_not_named_is_offered() -> None:
    found = offered({"services": {"db": {"containers": ["db"]}}})
    assert set(found) == {"shop-web", "cache", *SERVERS}
    web = found["shop-web"]
    assert web.where == "docker"
    assert [each.name for each in web.containers] == ["shop-web-1"]
    assert isinstance(web.what, FoundService)
    assert web.what.evidence == "service web of Compose project shop"


def test_what_is_covered_under_another_name_is_not_offered() -> None:
    found = offered({"services": {"mine": {"containers": ["shop/web", "cache"]}}})
    assert set(found) == {"db", *SERVERS}


def test_what_is_found_by_itself_is_not_offered() -> None:
    assert set(offered({"discover": {"docker": True}})) == SERVERS
    left = offered({"discover": {"docker": {"projects": ["shop"]}}})
    assert set(left) == {"db", "cache", *SERVERS}


def test_without_a_configuration_the_servers_are_what_is_left() -> None:
    found = offers_around(default_settings(), Path.cwd(), 1.0)
    assert {_name(each) for each in found} == SERVERS
    assert not any(each.blocked for each in found)


def test_a_server_that_is_named_is_not_offered_and_a_second_has_a_name_of_its_own() -> None:
    given: dict[str, object] = {"alertmanager": {"url": "http://localhost:9093"}}
    found = offered(given | {"prometheus": {"url": "http://10.0.0.1:9090", "timeout": "1ms"}})
    assert "alertmanager" not in found
    second = found["prometheus"]
    assert (second.name, second.blocked) == ("prometheus-9090", "")
    assert written(second, first=False)[-1].startswith(
        "prometheus: {name: prometheus-9090, url: http://127.0.0.1:9090}"
    )
    other = {"name": "prometheus-9090", "url": "http://10.0.0.1:1", "timeout": "1ms"}
    assert "is called prometheus-9090" in offered({"prometheus": other})["prometheus"].blocked


def test_an_offer_keeps_its_key_from_look_to_look() -> None:
    first, second = offered({}), offered({})
    assert [each.key for each in first.values()] == [each.key for each in second.values()]
    assert len({each.key for each in first.values()}) == len(first)
