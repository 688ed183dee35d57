"""The tabs of the service screen in their order; the first nine have the keys 1 to 9."""

from typing import Final

from opsconsole.ui.screens.service_tab import ServiceTab
from opsconsole.ui.screens.service_tabs.alerts import AlertsTab
from opsconsole.ui.screens.service_tabs.backups import BackupsTab
from opsconsole.ui.screens.service_tabs.endpoints import EndpointsTab
from opsconsole.ui.screens.service_tabs.health import HealthTab
from opsconsole.ui.screens.service_tabs.instances import InstancesTab
from opsconsole.ui.screens.service_tabs.latency import LatencyTab
from opsconsole.ui.screens.service_tabs.logs import LogsTab
from opsconsole.ui.screens.service_tabs.metrics import MetricsTab
from opsconsole.ui.screens.service_tabs.runbooks import RunbooksTab
from opsconsole.ui.screens.service_tabs.timeline import TimelineTab

TABS: Final[tuple[type[ServiceTab], ...]] = (
    HealthTab,
    LatencyTab,
    MetricsTab,
    InstancesTab,
    LogsTab,
    EndpointsTab,
    AlertsTab,
    BackupsTab,
    TimelineTab,
    RunbooksTab,
)
"""Each is made with the service's name."""
