"""Where one can go in the console: every page and every dialog, as data.

Invariant: a route says which screen and about what, and holds no screen; ``navigation`` makes the
screen of it. Imports nothing at runtime but the scopes of keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsconsole.model.alerts import Alert
    from opsconsole.model.operation import ActionRequest, ActionView
    from opsconsole.model.snapshot import ServiceView
    from opsconsole.render.forms.silencing import SilencingForm
    from opsconsole.render.keys import Scope
    from opsconsole.ui.options import WallOptions


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The whole fleet."""


@dataclass(frozen=True, slots=True)
class WallPage:
    """The fleet on a screen that nobody sits at."""

    options: WallOptions


@dataclass(frozen=True, slots=True)
class ServicePage:
    """One service: at its latency from ``began`` on, or at its ``raw`` bodies, else its health."""

    service: str
    raw: bool = False
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
class ChangedPage:
    """What changed before an alert, by its key, or a service first went wrong."""

    service: str
    alert: str = ""


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Everything that happened."""


@dataclass(frozen=True, slots=True)
class OperationsPage:
    """What is being done to services, and what was done."""


@dataclass(frozen=True, slots=True)
class OperationPage:
    """One operation, by its id."""

    operation: str


@dataclass(frozen=True, slots=True)
class SilencesPage:
    """What is silenced or acknowledged."""


@dataclass(frozen=True, slots=True)
class RunbooksPage:
    """The runbooks of a service; of all where it is ''."""

    service: str = ""


@dataclass(frozen=True, slots=True)
class RunbookPage:
    """The checklist of one runbook for one service."""

    runbook: str
    service: str


@dataclass(frozen=True, slots=True)
class HelpPage:
    """The keys of a screen, by its name and the scopes that work there."""

    title: str
    scopes: tuple[Scope, ...]


@dataclass(frozen=True, slots=True)
class ThemeDialog:
    """The choice of a theme."""


@dataclass(frozen=True, slots=True)
class ActionsDialog:
    """The menu of what can be done to services."""

    targets: tuple[ServiceView, ...]
    views: tuple[ActionView, ...]


@dataclass(frozen=True, slots=True)
class RequestDialog:
    """The form before the plan of an action. ``backup`` is the one to begin at."""

    targets: tuple[ServiceView, ...]
    view: ActionView
    override: bool = False
    backup: str = ""


@dataclass(frozen=True, slots=True)
class SilencingDialog:
    """The form before the plan of something done to an Alertmanager."""

    form: SilencingForm


@dataclass(frozen=True, slots=True)
class PlanDialog:
    """The plan of a request, and its confirmation."""

    request: ActionRequest


Page = (
    OverviewPage
    | WallPage
    | ServicePage
    | LogsPage
    | AlertPage
    | ChangedPage
    | TimelinePage
    | OperationsPage
    | OperationPage
    | SilencesPage
    | RunbooksPage
    | RunbookPage
    | HelpPage
)
"""What fills the screen."""

Box = ThemeDialog | ActionsDialog | RequestDialog | SilencingDialog | PlanDialog
"""What lies over a page."""

Route = Page | Box
