"""The tabs of the service screen in their order; the first nine have the keys 1 to 9."""

from typing import Final

from opsconsole.ui.screens.service.tab import ServiceTab
from opsconsole.ui.screens.service.tabs.alerts import AlertsTab
from opsconsole.ui.screens.service.tabs.backups import BackupsTab
from opsconsole.ui.screens.service.tabs.copies import CopiesTab
from opsconsole.ui.screens.service.tabs.endpoints import EndpointsTab
from opsconsole.ui.screens.service.tabs.latency import LatencyTab
from opsconsole.ui.screens.service.tabs.logs import LogsTab
from opsconsole.ui.screens.service.tabs.metrics import MetricsTab
from opsconsole.ui.screens.service.tabs.runbooks import RunbooksTab
from opsconsole.ui.screens.service.tabs.timeline import TimelineTab
from opsconsole.ui.screens.service.tabs.why import WhyTab

TABS: Final[tuple[type[ServiceTab], ...]] = (
    WhyTab,
    LatencyTab,
    MetricsTab,
    CopiesTab,
    LogsTab,
    EndpointsTab,
    AlertsTab,
    BackupsTab,
    TimelineTab,
    RunbooksTab,
)
"""Each is made with the service's name."""
