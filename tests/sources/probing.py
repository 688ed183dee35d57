"""Making probes of the hostile server, and servers of one answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opsconsole.clock import SystemClock
from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Health
from opsconsole.model.health import ProbeKind
from opsconsole.sources.health.factory import Asked
from opsconsole.sources.health.http_probe import HttpProbe
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.target import KEPT_LOOKS
from tests.named import named

TIMEOUT = 0.6
"""Seconds that a look may take in these tests."""

GRACE = 2.0
"""Seconds that a look may take beyond its timeout."""


def make_probe(
    connector: Connector,
    url: str,
    *,
    kind: ProbeKind = ProbeKind.HEALTH,
    health: dict[str, Any] | None = None,
    http: dict[str, Any] | None = None,
    timeout: float = TIMEOUT,
    base: Path = Path(),
    looks: int = KEPT_LOOKS,
) -> HttpProbe:
    """A probe as the engine makes them."""
    asked = Asked(
        id=named("probe:test/test-1:health"),
        instance="test-1",
        number=0,
        kind=kind,
        primary=True,
        url=url,
        health=Health.model_validate(health or {}),
        http=HttpConfig.model_validate(http or {}),
        interval=5.0,
        timeout=timeout,
    )
    return HttpProbe.at_its_url(
        asked, clock=SystemClock(), connector=connector, base=base, looks=looks
    )
