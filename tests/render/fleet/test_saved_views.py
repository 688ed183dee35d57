"""Saved views: which there are, which one is meant, and what a wall shows of one."""

from dataclasses import replace

from opsconsole.model.alerting.alerts import Severity
from opsconsole.model.choices import Choices, SavedView
from opsconsole.model.snapshot import Appearance
from opsconsole.render.fleet.saved_views import all_views, narrowed, view_called
from tests.ui import fleet, fleets

VIEWS = (SavedView("fires"), SavedView("shop"), SavedView("shop-night"))


def test_a_view_is_meant_by_its_name_or_the_only_beginning() -> None:
    assert view_called("Shop", VIEWS) == VIEWS[1]
    assert view_called("f", VIEWS) == VIEWS[0]
    assert view_called("sho", VIEWS) is None
    assert view_called("", VIEWS) is None


def test_own_views_go_before_those_of_the_configuration() -> None:
    given = replace(fleets.large(), appearance=Appearance(views=VIEWS[:2]))
    own = Choices(views=(SavedView("shop", "group:shop"), SavedView("mine")))
    assert [each.name for each in all_views(own, given)] == ["fires", "shop", "mine"]
    assert all_views(own, given)[1].filter == "group:shop"
    assert all_views(Choices(), None) == ()


def test_a_view_narrows_services_alerts_and_events() -> None:
    whole = replace(
        fleets.large(),
        alerts=(
            fleet.alert("ServiceDown", Severity.CRITICAL, 60, "ai-service"),
            fleet.alert("Late", Severity.WARNING, 60, "mailer"),
        ),
    )
    part = narrowed(whole, SavedView("ai", "group:ai", failing=True))
    assert {each.name for each in part.services} == {"ai-service", "oatie", "ai-embed"}
    assert [each.service for each in part.alerts] == ["ai-service"]
    assert part.events
    assert {each.service for each in part.events} <= {"ai-service", "oatie", "ai-embed"}
    assert part.hosts is whole.hosts
