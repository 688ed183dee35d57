"""Whether Prometheus, Alertmanager and Docker answer, checked as cheaply as possible.

Invariant: nothing is changed, no SDK is imported, and each look has a deadline.
"""

from collections.abc import Mapping
from pathlib import Path

from opsconsole.config.files.problems import KeyPath
from opsconsole.config.settings import Alertmanager, Docker, Prometheus, Settings
from opsconsole.inspection.finding import Finding, Weight, of_fault
from opsconsole.model.fault import Fault
from opsconsole.sources.docker.ping import ping
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.prometheus.series_index import PatientApi, SeriesIndex


def api_of(
    server: Prometheus | Alertmanager, connector: Connector, base: Path, url: str = ""
) -> PatientApi:
    """The API of a configured server, or of ``url`` where one is given; the caller closes it."""
    return PatientApi(
        url or server.url,
        http=server.http,
        timeout=server.timeout,
        connector=connector,
        base=base,
    )


async def check_prometheus(
    path: KeyPath, server: Prometheus, api: PatientApi, connector: Connector, base: Path
) -> list[Finding]:
    """Whether queries are answered, and alerts where they are served."""
    answer = await SeriesIndex(api).query("vector(1)")
    if isinstance(answer, Fault):
        return [of_fault((*path, "url"), answer, Weight.ERROR)]
    apart = api_of(server, connector, base, server.rules_url or "")
    alerts = await apart.get("/api/v1/alerts")
    await apart.close()
    where = (*path, "rules_url" if server.rules_url else "url")
    if isinstance(alerts, Fault):
        return [of_fault(where, alerts, Weight.ERROR, "its alerts")]
    return []


async def check_alertmanager(
    path: KeyPath, server: Alertmanager, connector: Connector, base: Path
) -> list[Finding]:
    """Whether the v2 API answers."""
    api = api_of(server, connector, base)
    status = await api.get("/api/v2/status")
    await api.close()
    if isinstance(status, Fault):
        return [of_fault((*path, "url"), status, Weight.ERROR)]
    if not isinstance(status, dict) or "versionInfo" not in status:
        message = f"{api.endpoint} does not answer as an Alertmanager"
        remedy = "is the URL that of an Alertmanager, with its path prefix?"
        return [Finding((*path, "url"), Weight.ERROR, message, remedy)]
    return []


async def check_docker(
    path: KeyPath,
    docker: Docker,
    settings: Settings,
    environ: Mapping[str, str],
    connector: Connector,
) -> list[Finding]:
    """Whether the engine answers. It is only a note if nothing in the configuration needs it."""
    fault = await ping(docker, environ, connector)
    if fault is None:
        return []
    wanted = "docker" in settings.model_fields_set or _uses_containers(settings)
    return [of_fault(path, fault, Weight.WARNING if wanted else Weight.NOTE)]


def _uses_containers(settings: Settings) -> bool:
    return any(
        service.containers or any(instance.container for instance in service.instances)
        for service in settings.services.values()
    )
