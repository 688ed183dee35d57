"""What an Alertmanager's configuration says, and a file of rules. Pure.

Invariant: the console notifies nobody: receivers, templates and inhibitions stay where they are.
What is taken is where it answers, whose pager a service has, and alerts that always fire.

Format: https://prometheus.io/docs/alerting/latest/configuration/
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from opsconsole.discovery.imported.drafting import Drafting, File, items, mapping, plain_text
from opsconsole.discovery.imported.scraping import offer_server
from opsconsole.model.written.draft import Entry

_ROOT: Final = frozenset({"global", "route", "receivers", "inhibit_rules", "templates",
                          "time_intervals", "mute_time_intervals"})  # fmt: skip
_ROUTE: Final = frozenset({
    "receiver", "routes", "match", "match_re", "matchers", "group_by", "group_wait",
    "group_interval", "repeat_interval", "continue", "mute_time_intervals", "active_time_intervals",
})  # fmt: skip
_ALWAYS: Final = frozenset({"Watchdog", "DeadMansSwitch", "DeadMansSnitch", "Heartbeat"})
_MATCHER: Final = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*\"?([^\"~]*?)\"?\s*")
_OF_SERVICE: Final = ("service", "job", "app")


def read(drafting: Drafting, file: File) -> None:
    """The server, its receivers, and what its routes say of services."""
    drafting.unknown(file, (), _ROOT)
    offer_server(drafting, "alertmanager", file.name)
    for each in items(file.root.get("receivers")):
        name = plain_text(mapping(each).get("name"))
        if name:
            drafting.note(f"receiver {name}", f"receivers of {file.name}; it stays there")
    always: list[str] = []
    for path, route in _routes(("route",), file.root.get("route")):
        for key in route:
            if key not in _ROUTE:
                drafting.not_understood(file.at(*path, key))
        matched = dict(_matched(route))
        alert = matched.get("alertname", "")
        if alert in _ALWAYS:
            always.append(alert)
        receiver = plain_text(route.get("receiver"))
        name = next((matched[key] for key in _OF_SERVICE if key in matched), "")
        if name in drafting.services and receiver:
            why = f"the receiver of its alerts, by {file.name}"
            drafting.services[name].put("team", receiver, why, stands=False)
    if always:
        why = f"routes of {file.name}"
        drafting.setting(Entry("always_firing", list(dict.fromkeys(always)), why))


def read_rules(drafting: Drafting, file: File) -> None:
    """A file of rules is named beside the server that evaluates it."""
    count = sum(len(items(mapping(each).get("rules"))) for each in items(file.root.get("groups")))
    drafting.note(file.name, f"{count} rules")
    rules = Entry("rule_files", [file.name], "where it has not loaded them", stands=False)
    offer_server(drafting, "prometheus", file.name, rules)


def _routes(
    path: tuple[str | int, ...], route: object
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """``route`` and those below it; trees are no deeper than YAML's."""
    if not isinstance(route, dict):
        return
    yield path, route
    for index, each in enumerate(items(route.get("routes"))):
        yield from _routes((*path, "routes", index), each)


def _matched(route: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Labels that have one value."""
    for key, value in mapping(route.get("match")).items():
        yield key, plain_text(value) or ""
    for each in items(route.get("matchers")):
        match = _MATCHER.fullmatch(each) if isinstance(each, str) else None
        if match is not None:
            yield match[1], match[2]
