"""Every page and every dialog of the console, as data.

Invariant: a route says which screen and about what, and holds no screen; ``navigation`` makes its
screen. At runtime it imports only the scopes of keys.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from opsconsole.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsconsole.model.alerting.alerts import Alert
    from opsconsole.model.operation import ActionRequest, ActionView
    from opsconsole.model.snapshot import ServiceView
    from opsconsole.render.forms.silencing import SilencingForm
    from opsconsole.render.frame.keys import Scope
    from opsconsole.ui.options import WallOptions


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The whole fleet."""


@dataclass(frozen=True, slots=True)
class WallPage:
    """The fleet on an unattended wall screen."""

    options: WallOptions


@dataclass(frozen=True, slots=True)
class ServicePage:
    """One service: why it is as it is, or the ``tab`` of that name, or its ``raw`` bodies.

    ``began`` is the alert that led there.
    """

    service: str
    raw: bool = False
    tab: str = ""
    began: Alert | None = None


@dataclass(frozen=True, slots=True)
class LogsPage:
    """The logs of one service."""

    service: str


@dataclass(frozen=True, slots=True)
class AlertPage:
    """All of one alert, by its key."""

    alert: str


@dataclass(frozen=True, slots=True)
class PlacePage:
    """All of one host, engine or cluster, by the key of its row."""

    place: str


@dataclass(frozen=True, slots=True)
class ChangedPage:
    """What changed before an alert, by its key, or a service first went wrong."""

    service: str
    alert: str = ""


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Everything that happened."""


@dataclass(frozen=True, slots=True)
class OperationsPage:
    """The operations of all services, running and past."""


@dataclass(frozen=True, slots=True)
class OperationPage:
    """One operation, by its id."""

    operation: str


@dataclass(frozen=True, slots=True)
class SilencesPage:
    """What is silenced or acknowledged."""


@dataclass(frozen=True, slots=True)
class RunbooksPage:
    """The runbooks of a service; of all if it is ''."""

    service: str = ""


@dataclass(frozen=True, slots=True)
class RunbookPage:
    """The checklist of one runbook for one service."""

    runbook: str
    service: str


@dataclass(frozen=True, slots=True)
class HelpPage:
    """The keys of a screen, by its name and the scopes that work there; ``offered`` are the ids of
    those to know first."""

    title: str
    scopes: tuple[Scope, ...]
    offered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrayPage:
    """What was found and is not watched."""


@dataclass(frozen=True, slots=True)
class AutomationPage:
    """Remedies, what they saw and did, and what is worked on."""


@dataclass(frozen=True, slots=True)
class IncidentsPage:
    """The incidents that people opened."""


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """One incident, by its number."""

    number: int


@dataclass(frozen=True, slots=True)
class HandoverPage:
    """Everything that is open now."""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Who has a console open."""


@dataclass(frozen=True, slots=True)
class ThemeDialog:
    """The choice of a theme."""


@dataclass(frozen=True, slots=True)
class ActionsDialog:
    """The menu of actions on services."""

    targets: tuple[ServiceView, ...]
    views: tuple[ActionView, ...]


@dataclass(frozen=True, slots=True)
class RequestDialog:
    """The form before the plan of an action. ``backup`` is preselected.

    ``typed`` is what its fields hold instead of what is usual, by their ids; ``why`` is the refusal
    after which it is shown again.
    """

    targets: tuple[ServiceView, ...]
    view: ActionView
    override: bool = False
    backup: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True)
class SilencingDialog:
    """The form before the plan of a change at an Alertmanager; ``why`` as of RequestDialog."""

    form: SilencingForm
    why: str = ""


@dataclass(frozen=True, slots=True)
class PlanDialog:
    """The plan of a request, and its confirmation."""

    request: ActionRequest


@dataclass(frozen=True, slots=True)
class TogetherDialog:
    """One plan for the requests of several services, and its confirmation."""

    requests: tuple[ActionRequest, ...]


Page = (
    OverviewPage
    | WallPage
    | ServicePage
    | LogsPage
    | AlertPage
    | PlacePage
    | ChangedPage
    | TimelinePage
    | OperationsPage
    | OperationPage
    | SilencesPage
    | RunbooksPage
    | RunbookPage
    | HelpPage
    | TrayPage
    | AutomationPage
    | IncidentsPage
    | IncidentPage
    | HandoverPage
    | PeoplePage
)
"""A full screen."""

Box = ThemeDialog | ActionsDialog | RequestDialog | SilencingDialog | PlanDialog | TogetherDialog
"""A dialog over a page."""

Route = Page | Box
