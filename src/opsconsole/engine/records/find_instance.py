"""Which service an alert's labels refer to. Pure.

Invariant: only configured names and addresses match, and only whole; an alert whose labels name
nothing that is configured belongs to no service.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from opsconsole.config.settings import Settings
from opsconsole.model.alerting.alerts import Alert

_NAMING: Final = ("service", "service_name", "app", "job", "container", "container_name", "name")
"""Labels that hold the name of a service or of one of its containers, most reliable first."""


class Locator:
    """Fills ``service`` and ``instance`` of alerts from their labels."""

    def __init__(self, settings: Settings) -> None:
        self._services: dict[str, str] = {}
        self._instances: dict[str, tuple[str, str]] = {}
        for name, service in settings.services.items():
            for container in service.containers:
                self._services.setdefault(container, name)
            names = settings.instance_names(name)
            for instance, called in zip(service.instances, names, strict=True):
                place = (name, called)
                self._instances.setdefault(called, place)
                self._instances.setdefault(urlsplit(instance.url).netloc, place)
                self._instances.setdefault(instance.url.rstrip("/"), place)
                if instance.container:
                    self._instances.setdefault(instance.container, place)
        self._services.update((name, name) for name in settings.services)

    def locate(self, alert: Alert) -> Alert:
        """``alert`` with its service and instance filled in where known."""
        service, instance = self.place(alert.labels)
        if not service or (service == alert.service and instance == alert.instance):
            return alert
        return replace(alert, service=service, instance=instance or alert.instance)

    def place(self, labels: Mapping[str, str]) -> tuple[str, str]:
        """The service and the instance that ``labels`` refer to; '' for none."""
        place = self._instances.get(labels.get("instance", "").rstrip("/"))
        for label in _NAMING:
            value = labels.get(label, "")
            if value in self._services:
                service = self._services[value]
                return service, place[1] if place and place[0] == service else ""
            if value in self._instances:
                return self._instances[value]
        return place or ("", "")
