"""What Oatie watches: five services, each with a component and a circuit breaker.

Invariant: a degraded service stays so, with its reason, until it is reset.
"""

from __future__ import annotations

from typing import Final

from opsconsole.demo.platforms.base import Platform, Settings
from opsconsole.demo.platforms.circuit import CircuitBreaker
from opsconsole.demo.platforms.components import DEGRADED, OK, Component, Components
from opsconsole.demo.platforms.http import BadRequestError, Request
from opsconsole.demo.platforms.logfile import open_log

SERVICES: Final = ("database", "cache", "external_apis", "system_resources", "reports")
MAX_REASON: Final = 200


class OatieServices(Platform):
    """The services of one Oatie; its pages are the subclass's."""

    product = "oatie"

    def __init__(self, settings: Settings) -> None:
        """All are well."""
        super().__init__(settings, Components(*(Component(name, 4.0) for name in SERVICES)))
        self.log = open_log(settings.folder / "logs" / "oatie.log", "oatie")
        self.breakers = {name: CircuitBreaker() for name in SERVICES}

    def find(self, request: Request) -> Component:
        """The component that the path's `service` names; refuses (404) an unknown one."""
        part = self.components.get(request.params["service"])
        if part is None:
            raise BadRequestError(404, f"unknown service; known: {', '.join(SERVICES)}")
        return part

    def reset(self, part: Component) -> None:
        """The service as new: well, its breaker closed."""
        part.enter(OK)
        self.breakers[part.name].reset()

    def degrade(self, part: Component, reason: str) -> None:
        """Switch a service to its reduced mode, for `reason`, until it is recovered."""
        if not reason or len(reason) > MAX_REASON or not reason.isprintable():
            raise BadRequestError(422, f"give a reason of 1 to {MAX_REASON} printable characters")
        part.enter(DEGRADED, reason)
        self.log.warning("%s degraded: %s", part.name, reason)
