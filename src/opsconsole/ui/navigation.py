"""Maps each route to its screen.

Invariant: the only module that names the screens. Each is imported when it is first opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from textual.screen import Screen

from opsconsole.ui.routes import (
    ActionsDialog,
    AlertPage,
    AutomationPage,
    Box,
    ChangedPage,
    HandoverPage,
    HelpPage,
    IncidentPage,
    IncidentsPage,
    LogsPage,
    OperationPage,
    OperationsPage,
    OverviewPage,
    Page,
    PeoplePage,
    PlacePage,
    PlanDialog,
    RequestDialog,
    Route,
    RunbookPage,
    RunbooksPage,
    ServicePage,
    SilencesPage,
    SilencingDialog,
    ThemeDialog,
    TimelinePage,
    TogetherDialog,
    TrayPage,
    WallPage,
)

ONCE: Final = (
    AutomationPage
    | OperationsPage
    | SilencesPage
    | TimelinePage
    | TrayPage
    | IncidentsPage
    | HandoverPage
    | PeoplePage
)
"""Routes that are open at most once in the stack."""

NOT_ON_ITSELF: Final = HelpPage | LogsPage | ThemeDialog | IncidentPage


def screen_of(route: Route) -> Screen[None]:
    """A new screen for ``route``."""
    return _box(route) if isinstance(route, Box) else _page(route)


def is_open(route: Route, screen: Screen[None], stack: Sequence[Screen[object]]) -> bool:
    """Whether ``screen``, made for ``route``, would only repeat one in ``stack``."""
    if isinstance(route, ONCE):
        return any(type(each) is type(screen) for each in stack)
    return isinstance(route, NOT_ON_ITSELF) and bool(stack) and type(stack[-1]) is type(screen)


def _page(route: Page) -> Screen[None]:  # noqa: C901 - a flat table
    match route:
        case OverviewPage():
            from opsconsole.ui.screens.overview.screen import OverviewScreen

            return OverviewScreen()
        case WallPage():
            from opsconsole.ui.screens.wall.screen import WallScreen

            return WallScreen(route.options)
        case ServicePage():
            from opsconsole.ui.screens.service.screen import ServiceScreen

            return ServiceScreen(route.service, raw=route.raw, tab=route.tab, began=route.began)
        case LogsPage():
            from opsconsole.ui.screens.service.logs import LogsScreen

            return LogsScreen(route.service)
        case AlertPage():
            from opsconsole.ui.screens.alerts.alert import AlertScreen

            return AlertScreen(route.alert)
        case PlacePage():
            from opsconsole.ui.screens.place import PlaceScreen

            return PlaceScreen(route.place)
        case TrayPage():
            from opsconsole.ui.screens.tray import TrayScreen

            return TrayScreen()
        case AutomationPage():
            from opsconsole.ui.screens.automation import AutomationScreen

            return AutomationScreen()
        case ChangedPage():
            from opsconsole.ui.screens.incident.changed import ChangedScreen

            return ChangedScreen(alert=route.alert, service=route.service)
        case TimelinePage():
            from opsconsole.ui.screens.incident.timeline import TimelineScreen

            return TimelineScreen()
        case OperationsPage():
            from opsconsole.ui.screens.changes.operations import OperationsScreen

            return OperationsScreen()
        case OperationPage():
            from opsconsole.ui.screens.changes.operations import OperationScreen

            return OperationScreen(route.operation)
        case SilencesPage():
            from opsconsole.ui.screens.alerts.silences import SilencesScreen

            return SilencesScreen()
        case RunbooksPage():
            from opsconsole.ui.screens.incident.runbooks import RunbooksScreen

            return RunbooksScreen(route.service)
        case RunbookPage():
            from opsconsole.ui.screens.incident.runbook import RunbookScreen

            return RunbookScreen(route.runbook, route.service)
        case IncidentsPage():
            from opsconsole.ui.screens.team.incidents import IncidentsScreen

            return IncidentsScreen()
        case IncidentPage():
            from opsconsole.ui.screens.team.incidents import IncidentScreen

            return IncidentScreen(route.number)
        case HandoverPage():
            from opsconsole.ui.screens.team.handover import HandoverScreen

            return HandoverScreen()
        case PeoplePage():
            from opsconsole.ui.screens.team.handover import PeopleScreen

            return PeopleScreen()
        case HelpPage():
            from opsconsole.ui.screens.help import HelpScreen

            return HelpScreen(route.title, route.scopes, route.offered)
        case _:
            assert_never(route)


def _box(route: Box) -> Screen[None]:
    match route:
        case ThemeDialog():
            from opsconsole.ui.screens.theme import ThemeScreen

            return ThemeScreen()
        case ActionsDialog():
            from opsconsole.ui.screens.changes.actions import ActionsScreen

            return ActionsScreen(route.targets, route.views)
        case RequestDialog():
            from opsconsole.ui.screens.changes.request import RequestScreen

            return RequestScreen(route)
        case SilencingDialog():
            from opsconsole.ui.screens.alerts.silencing import SilencingScreen

            return SilencingScreen(route.form, route.why)
        case PlanDialog():
            from opsconsole.ui.screens.changes.plan import PlanScreen

            return PlanScreen(route.request)
        case TogetherDialog():
            from opsconsole.ui.screens.changes.together import TogetherScreen

            return TogetherScreen(route.requests)
        case _:
            assert_never(route)
