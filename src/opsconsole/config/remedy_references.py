"""Whether what remedies and maintenance name is there: services, declared actions, figures.

Invariant: works on the plain values before the schema does, as ``references`` does.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from opsconsole.config.files.problems import KeyPath, did_you_mean
from opsconsole.config.remedies import why_not
from opsconsole.model.written.expressions import BUILT_IN, Comparison
from opsconsole.model.written.triggers import parse_trigger

FIGURES: Final = ("latency", "error_rate", "request_rate", "cpu", "memory")
"""The figures that a remedy can wait for, besides the declared metrics of its service."""

OF_ITS_HOST: Final = frozenset(name for name in BUILT_IN if name.startswith(("disk", "host_")))
"""Figures of a host: rules may report them, and no remedy acts on them."""

QUANTILES: Final = (0.5, 0.95, 0.99)
"""Those of a latency."""

_MOST_COPIES: Final = 10


def check_remedies(settings: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str, str]]:
    """Every name that refers to nothing and every remedy that is called as another one."""
    services = _mapping(settings.get("services"))
    names: list[str] = []
    for index, each in enumerate(_items(settings.get("remedies"))):
        path: KeyPath = ("remedies", index)
        remedy = _mapping(each)
        yield from _check_service((*path, "service"), remedy.get("service"), services)
        yield from _check_action(path, remedy, services)
        yield from _check_figure((*path, "when"), remedy, services)
        name = remedy.get("name") or f"{remedy.get('action')}-{remedy.get('service')}"
        if name in names:
            yield path, f"two remedies are called {name!r}; give each a name", ""
        names.append(str(name))
    for index, each in enumerate(_items(settings.get("maintenance"))):
        named = _mapping(each).get("services")
        for number, name in enumerate([named] if isinstance(named, str) else _items(named)):
            where: KeyPath = ("maintenance", index, "services", number)
            yield from _check_service(where, name, services)


def _check_service(
    path: KeyPath, name: Any, services: Mapping[str, Any]
) -> Iterator[tuple[KeyPath, str, str]]:
    if isinstance(name, str) and name not in services:
        yield path, f"no service is called {name!r}", did_you_mean(name, services)


def _check_action(
    path: KeyPath, remedy: Mapping[str, Any], services: Mapping[str, Any]
) -> Iterator[tuple[KeyPath, str, str]]:
    name, action = remedy.get("service"), remedy.get("action")
    if not isinstance(action, str) or why_not(action):
        return
    if not isinstance(name, str) or name not in services:
        return
    declared = _mapping(_mapping(services[name]).get("actions"))
    if action not in declared:
        said = f"{action} is not declared for {name}"
        yield (*path, "action"), said, f"declare it under services.{name}.actions"
        return
    bounds, to = _mapping(declared[action]), remedy.get("to")
    lowest, highest = bounds.get("minimum", 1), bounds.get("maximum", _MOST_COPIES)
    whole = all(isinstance(each, int) for each in (to, lowest, highest))
    if action == "scale" and whole and not lowest <= to <= highest:
        yield (*path, "to"), f"the action allows {lowest} to {highest} copies", ""


def _check_figure(
    path: KeyPath, remedy: Mapping[str, Any], services: Mapping[str, Any]
) -> Iterator[tuple[KeyPath, str, str]]:
    text = remedy.get("when")
    try:
        condition = parse_trigger(text).condition if isinstance(text, str) else None
    except ValueError:
        return
    if not isinstance(condition, Comparison):
        return
    quantity, metrics = condition.quantity, _metrics(services, remedy.get("service"))
    known = [*FIGURES, *metrics]
    if quantity.name in OF_ITS_HOST and quantity.name not in metrics:
        said = f"{quantity.name} is of the host: it is no evidence about one service of those there"
        yield path, said, f"let people hear of it: services.{remedy.get('service')}.alerts"
    elif quantity.name not in known:
        said = f"a remedy cannot wait for {quantity.name!r}"
        there_are = f"there are {', '.join(known)}; and state"
        yield path, said, did_you_mean(quantity.name, known) or there_are
    elif quantity.name in metrics:
        return
    elif quantity.name == "latency" and (quantity.quantile or 0.5) not in QUANTILES:
        yield path, "of the latency there are p50, p95 and p99", ""
    elif quantity.name == "memory" and condition.unit == "%":
        yield path, "a remedy compares memory with a size, such as 4GB", ""


def _metrics(services: Mapping[str, Any], name: Any) -> Mapping[str, Any]:
    service = services.get(name) if isinstance(name, str) else None
    return _mapping(_mapping(service).get("metrics"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
