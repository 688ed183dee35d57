"""Whether an alert that was acknowledged still fires, as the servers say that evaluate its rule.

Invariant: a Prometheus says that it is over only where it evaluated the rule since it began,
without an error, and does not report the alert; what could not be looked at is not known.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

from opsconsole.config.settings import Prometheus
from opsconsole.model.alerting.alerts import NOT_IDENTITY, Alert
from opsconsole.model.alerting.rules import RuleView
from opsconsole.model.fault import FaultKind
from opsconsole.model.source_id import NOBODY
from opsconsole.operations.drivers.json_client import CallError, JsonClient
from opsconsole.sources.prometheus.api_alerts import read_prometheus
from opsconsole.sources.prometheus.rule_answers import read_rules
from opsconsole.threads import BoundedExecutor


class Origin(Enum):
    """What is known where the rule is evaluated, as far as somebody who is asked has it."""

    FIRES = "fires"
    UNKNOWN = "unknown"
    OVER = "over"


_NO_RULES: Final = frozenset({FaultKind.UNSUPPORTED, FaultKind.BAD_QUERY})


async def ask(
    servers: Iterable[Prometheus], labels: Mapping[str, str], base: Path, threads: BoundedExecutor
) -> Origin:
    """What the ``servers`` together know of the alert that an Alertmanager had with ``labels``."""
    found = [await _ask_one(server, labels, base, threads) for server in servers]
    return next((each for each in (Origin.FIRES, Origin.UNKNOWN) if each in found), Origin.OVER)


async def _ask_one(
    server: Prometheus, labels: Mapping[str, str], base: Path, threads: BoundedExecutor
) -> Origin:
    client = JsonClient(server.rules_url or server.url, server, base, threads)
    try:
        alerts = read_prometheus(await client.ask("GET", "/api/v1/alerts"), NOBODY).alerts
        if any(_is_about(alert, labels) for alert in alerts):
            return Origin.FIRES
        rules = read_rules(await client.ask("GET", "/api/v1/rules"), NOBODY)
    except CallError as error:
        return Origin.OVER if error.fault.kind in _NO_RULES else Origin.UNKNOWN
    except ValueError:
        return Origin.UNKNOWN
    finally:
        await client.close()
    return _of_rules(rules, labels.get("alertname", ""))


def _of_rules(rules: Iterable[RuleView], name: str) -> Origin:
    mine = [rule for rule in rules if rule.kind == "alerting" and rule.name == name]
    return Origin.UNKNOWN if any(rule.awaited or rule.error for rule in mine) else Origin.OVER


def _is_about(alert: Alert, labels: Mapping[str, Any]) -> bool:
    """Whether it is that alert before labels were added to it, or taken from it."""
    return alert.name == labels.get("alertname") and all(
        labels.get(name, value) == value
        for name, value in alert.labels.items()
        if name not in NOT_IDENTITY
    )
